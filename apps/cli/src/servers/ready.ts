import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from './server-process.js';

const pollMs = 20;

/**
 * Waits until `check` says yes.
 * @throws when the process ends before, or is not ready within `timeoutMs` (it is stopped then); the message ends
 * with `hint`
 */
export async function untilReady(
  server: ServerProcess,
  check: () => Promise<boolean>,
  options: { readonly name: string; readonly timeoutMs: number; readonly hint: string },
): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const deadline = performance.now() + options.timeoutMs;
  while (!(await check())) {
    if (ended) throw new Error(`${options.name} ended before it was ready; ${options.hint}`);
    if (performance.now() > deadline) {
      await server.stop();
      throw new Error(`${options.name} was not ready within ${options.timeoutMs / 1000} s; ${options.hint}`);
    }
    await delay(pollMs);
  }
}

/** `wanted` if nobody has it, else one that the operating system has free. */
export async function freePort(wanted = 0): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? raiseNoPort();
}

function raiseNoPort(): never {
  throw new Error('no free TCP port on 127.0.0.1');
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      probe.close(() => resolve(found));
    });
  });
}
