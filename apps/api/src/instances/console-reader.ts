import { setTimeout as delay } from 'node:timers/promises';
import { consoleNextOffsetHeader, consolePathOf } from '@berth/contracts/agent.js';
import type { VmmPlace } from '@berth/database/instance.repository.js';
import { ProblemError } from '@berth/domain/problem.js';

const agentTimeoutMs = 3_000;
const followIntervalMs = 250;
const followMaxMs = 300_000;

export type ReachableVmm = VmmPlace & { readonly agentUrl: string };

export interface ConsolePart {
  readonly bytes: Buffer;
  readonly nextOffset: number;
}

/** Reads serial consoles from the agents of workers, each read bounded in time. */
export class ConsoleReader {
  private closed = false;

  constructor(private readonly agentSecret: string) {}

  /** @throws ProblemError `state-conflict` */
  reachable(vmm: VmmPlace | undefined, instance: string): ReachableVmm {
    if (vmm?.agentUrl) return { ...vmm, agentUrl: vmm.agentUrl };
    const detail = vmm
      ? `node ${vmm.node} keeps no consoles`
      : `instance ${instance} was never placed: it has no console yet`;
    throw new ProblemError({ code: 'state-conflict', detail });
  }

  /** @throws ProblemError `not-found`, `node-unreachable` */
  async read(vmm: ReachableVmm, offset: number): Promise<ConsolePart> {
    const { node, vmmId } = vmm;
    const answer = await this.ask(vmm, `${consolePathOf(vmmId)}?offset=${offset}`);
    if (answer.status === 404)
      throw new ProblemError({ code: 'not-found', detail: `node ${node} has kept no console of it` });
    return { bytes: answer.bytes, nextOffset: answer.nextOffset };
  }

  /** The answer of its worker's agent, 2xx, 404 or 409. @throws ProblemError `node-unreachable` */
  async ask({ agentUrl, node }: ReachableVmm, path: string): Promise<ConsolePart & { status: number }> {
    const unreachable = (detail: string, options?: ErrorOptions): ProblemError =>
      new ProblemError({ code: 'node-unreachable', detail, next: 'see berth node get' }, options);
    const answer = await this.fetch(`${agentUrl}${path}`).catch((cause: unknown) => {
      throw unreachable(`the agent of node ${node} did not answer`, { cause });
    });
    if (answer.status === 200 || answer.status === 404 || answer.status === 409) return answer;
    throw unreachable(`the agent of node ${node} answered ${answer.status}`);
  }

  /** Goes on from `first` with what is written, until the vmm is gone from its node or the time is up. */
  async *follow(vmm: ReachableVmm, first: ConsolePart): AsyncGenerator<Buffer> {
    const deadline = performance.now() + followMaxMs;
    let part = first;
    for (;;) {
      if (part.bytes.length > 0) yield part.bytes;
      if (this.closed || performance.now() > deadline) return;
      await delay(followIntervalMs);
      part = await this.read(vmm, part.nextOffset);
    }
  }

  onModuleDestroy(): void {
    this.closed = true;
  }

  private async fetch(url: string): Promise<ConsolePart & { status: number }> {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${this.agentSecret}` },
      redirect: 'error',
      signal: AbortSignal.timeout(agentTimeoutMs),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return {
      status: response.status,
      bytes,
      nextOffset: Number(response.headers.get(consoleNextOffsetHeader) ?? bytes.length),
    };
  }
}
