import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError } from '../driver.js';
import { connectUnix } from './connection.js';
import { Exchange, type Received } from './exchange.js';

/** 16 MiB of output is the agent's own limit; we take what a command's answer may be, in base64. */
const maxLineChars = 1024 * 1024;
const connectTimeoutMs = 1000;
const pingTimeoutMs = 3000;
const execPollMs = 50;
const outputMaxBytes = 65_536;

const noAgent = () => new EngineError('no-agent', 'no agent answers in the guest');

const answer = z.union([z.object({ return: z.unknown() }), z.object({ error: z.object({ desc: z.string() }) })]);
const started = z.object({ pid: z.int() });
const execution = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  'out-data': z.base64().optional(),
  'err-data': z.base64().optional(),
});

/** The connection to qemu-guest-agent inside one guest. What arrives is the guest's word: parsed and bounded. */
export class GuestAgentClient {
  readonly #exchange: Exchange;

  private constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Resolves though nobody may be at the other end yet: only an answer says so. */
  static async connect(path: string, onEnd: () => void): Promise<GuestAgentClient> {
    const socket = await connectUnix(path, connectTimeoutMs);
    return new GuestAgentClient(new Exchange(socket, { maxLineChars, parse, onEvent: () => undefined, onEnd }));
  }

  /** @throws EngineError no-answer */
  async ping(timeoutMs: number): Promise<void> {
    await this.#ask('guest-ping', {}, timeoutMs);
  }

  /** By the guest's shell; the first 64 KiB of both streams, one after the other. @throws EngineError no-answer */
  async exec(command: string, timeoutMs: number): Promise<{ exitCode: number; output: Buffer }> {
    const signal = AbortSignal.timeout(timeoutMs);
    const shell = { path: '/bin/sh', arg: ['-c', command], 'capture-output': true };
    const { pid } = started.parse(await this.#ask('guest-exec', shell, timeoutMs));
    for (;;) {
      const state = execution.parse(await this.#ask('guest-exec-status', { pid }, timeoutMs));
      if (state.exited) {
        const streams = [state['out-data'], state['err-data']].map((data = '') => Buffer.from(data, 'base64'));
        return { exitCode: state.exitcode ?? -1, output: Buffer.concat(streams).subarray(0, outputMaxBytes) };
      }
      if (signal.aborted) throw new EngineError('no-answer', `the command runs for longer than ${timeoutMs} ms`);
      await delay(execPollMs);
    }
  }

  close(): void {
    this.#exchange.close();
  }

  async #ask(command: string, parameters: object, timeoutMs: number): Promise<unknown> {
    const compose = (id: number) => JSON.stringify({ execute: command, arguments: parameters, id });
    const said = answer.safeParse(JSON.parse(await this.#exchange.request(compose, timeoutMs)));
    if (said.data && 'return' in said.data) return said.data.return;
    const why = said.data ? said.data.error.desc : 'not in its own protocol';
    throw new EngineError('no-answer', `the guest agent refused ${command}: ${why.slice(0, 200)}`);
  }
}

/**
 * By the connection that is there, or one for this alone: a guest that does not declare the agent may have it all the
 * same. @throws EngineError no-agent when nobody answers there
 */
export async function withGuestAgent<T>(
  connected: GuestAgentClient | undefined,
  vmmPath: string,
  work: (agent: GuestAgentClient) => Promise<T>,
  patienceMs = pingTimeoutMs,
): Promise<T> {
  const path = join(vmmPath, 'agent.sock');
  const agent = connected ?? (await GuestAgentClient.connect(path, () => undefined).catch(() => undefined));
  try {
    await agent?.ping(patienceMs).catch(() => Promise.reject(noAgent()));
    if (!agent) throw noAgent();
    return await work(agent);
  } finally {
    if (agent !== connected) agent?.close();
  }
}

const numbered = z.looseObject({ id: z.int() });

function parse(line: string): Received | undefined {
  try {
    const message = numbered.safeParse(JSON.parse(line));
    return message.success ? { id: message.data.id, text: line } : undefined;
  } catch {
    return undefined;
  }
}
