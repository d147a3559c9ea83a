import type { IncomingMessage, ServerResponse } from 'node:http';
import { guestCommand } from '@berth/contracts/agent.js';
import type { CommandResult } from '@berth/contracts/http/guest-command.js';
import { guestCommandsAtOnceMax, guestOutputMaxBytes } from '@berth/domain/limits.js';
import { EngineError, runsGuestCommands } from '@berth/engine/driver.js';
import type { VmmTable } from '../vmms/vmm-table.js';

/** The guest's own limit ends the command; past it and this much more, nobody waits for its answer. */
const graceMs = 10_000;
const bodyMaxBytes = 16 * 1024;
/** Of a process that SIGKILL ended, as shells tell it. */
const killedExitCode = 137;

/** Runs commands in guests, by their agents. */
export class GuestCommands {
  private readonly running = new Map<string, number>();

  constructor(private readonly table: VmmTable) {}

  async run(vmmId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = guestCommand.safeParse(await jsonOf(request));
    if (!asked.success) return void response.writeHead(400).end();
    const vmm = this.table.get(vmmId);
    if (!vmm || vmm.end) return void response.writeHead(404).end();
    const { driver, handle } = vmm;
    if (!runsGuestCommands(driver)) return void response.writeHead(409).end();
    const running = this.running.get(vmmId) ?? 0;
    if (running >= guestCommandsAtOnceMax) return void response.writeHead(429).end();
    this.running.set(vmmId, running + 1);
    try {
      const { line, timeoutSeconds } = asked.data;
      const limitMs = timeoutSeconds * 1000;
      const startedAtMs = performance.now();
      const bounded = `timeout -s KILL ${timeoutSeconds} ${line}`;
      const ran = await driver.exec(handle, bounded, AbortSignal.timeout(limitMs + graceMs));
      const result = resultOf(ran, performance.now() - startedAtMs, limitMs);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    } catch (error) {
      response.writeHead(statusOf(error)).end();
    } finally {
      this.leave(vmmId);
    }
  }

  private leave(vmmId: string): void {
    const running = this.running.get(vmmId) ?? 0;
    if (running > 1) this.running.set(vmmId, running - 1);
    else this.running.delete(vmmId);
  }
}

function resultOf(
  { exitCode, output }: { exitCode: number; output: Buffer },
  durationMs: number,
  limitMs: number,
): CommandResult {
  const isTruncated = output.length >= guestOutputMaxBytes;
  const text = output.toString('utf8');
  const isText = Buffer.from(text).equals(output);
  return {
    exitCode,
    output: isText ? text : output.toString('base64'),
    encoding: isText ? 'utf-8' : 'base64',
    isTruncated,
    isTimedOut: exitCode === killedExitCode && durationMs >= limitMs,
    durationMs: Math.round(durationMs),
  };
}

/** @throws what it does not know */
function statusOf(error: unknown): number {
  if (error instanceof Error && error.name === 'TimeoutError') return 504;
  if (!(error instanceof EngineError)) throw error;
  if (error.code === 'no-agent') return 409;
  if (error.code === 'no-answer') return 504;
  throw error;
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyMaxBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
