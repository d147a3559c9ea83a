import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { configExitCode } from '@berth/config/load.js';
import type { ServerProcess } from '../servers/server-process.js';
import { stageOf, type Stage } from './stage.js';
import { logPathOf, type Layout } from './layout.js';

/** One process of the datacenter; `start` resolves when it serves. */
export interface Service {
  readonly name: string;
  start(): Promise<ServerProcess>;
}

const backOffMs = { first: 200, longest: 10_000 } as const;
/** A process that ran this long starts again at once. */
const steadyMs = 60_000;
const logMaxBytes = 16 * 1024 * 1024;
const logCheckMs = 30_000;

/** Keeps the datacenter's processes up: one that dies is started again, ever later while it keeps dying. */
export class Supervisor {
  private readonly running = new Map<string, ServerProcess>();
  private readonly stopping = new AbortController();
  private readonly logTimer = setInterval(() => this.boundLogs(), logCheckMs).unref();

  constructor(
    private readonly layout: Layout,
    private readonly report: (line: string) => void,
  ) {}

  /** @throws when the first start fails; later ones are tried again */
  async start(service: Service): Promise<void> {
    const first = await service.start();
    this.running.set(service.name, first);
    void this.keep(service, first);
  }

  /** From now on nothing is started again: the first step of an orderly end. */
  release(): void {
    this.stopping.abort();
    clearInterval(this.logTimer);
  }

  /** Stops the processes of one stage, side by side. Resolves when they are gone. */
  async stop(stage: Stage): Promise<void> {
    this.release();
    const ofStage = [...this.running].filter(([name]) => stageOf(name) === stage);
    await Promise.all(ofStage.map(([, server]) => server.stop()));
  }

  private async keep(service: Service, first: ServerProcess): Promise<void> {
    let current: ServerProcess | undefined = first;
    let waitMs: number = backOffMs.first;
    while (!this.stopping.signal.aborted) {
      const startedAt = performance.now();
      const exit = await current?.exited;
      if (this.stopping.signal.aborted) return;
      if (exit?.code === configExitCode) {
        this.report(`${service.name} says its configuration is not valid; it stays down, see its log`);
        return;
      }
      waitMs = performance.now() - startedAt > steadyMs ? backOffMs.first : waitMs;
      if (exit) this.report(`${service.name} ended (${exit.signal ?? exit.code}); again in ${waitMs / 1000} s`);
      await delay(waitMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, backOffMs.longest);
      current = await this.startAgain(service);
    }
  }

  private async startAgain(service: Service): Promise<ServerProcess | undefined> {
    if (this.stopping.signal.aborted) return undefined;
    try {
      const server = await service.start();
      this.running.set(service.name, server);
      if (this.stopping.signal.aborted) await server.stop(); // asked to stop while it started
      return server;
    } catch (error) {
      this.report(`${service.name} did not start: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Processes append to their logs, so a log that is too long is copied away and cut to nothing under them. */
  private boundLogs(): void {
    for (const name of this.running.keys()) {
      const path = logPathOf(this.layout, name);
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < logMaxBytes) continue;
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    }
  }
}
