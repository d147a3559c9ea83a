import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EngineError } from '@berth/engine/driver.js';
import { setprivPath } from '@berth/engine/confinement/user-ids.js';

/** Not a byte read or written in all this time: no disk that works takes so long for one block. */
const defaultStallMs = 30_000;
const looksPerStall = 30;

/**
 * With its holes, and where the file system can, without its bytes. It may take as long as it goes on. Where there is
 * setpriv it ends with its worker: it would go on among the files that the next one makes.
 * @throws EngineError node-disk-full, no-answer when it has come to a stop
 */
export async function copyFolder(from: string, to: string, stallMs = defaultStallMs): Promise<void> {
  const copy = ['cp', '-a', '--sparse=always', '--reflink=auto', '--', from, to];
  const [program = '', ...args] = existsSync(setprivPath) ? [setprivPath, '--pdeathsig', 'KILL', '--', ...copy] : copy;
  const stalled = new AbortController();
  const copying = promisify(execFile)(program, args, { signal: stalled.signal, killSignal: 'SIGKILL' });
  const unwatch = watchProgress(copying.child.pid, stallMs, () => stalled.abort());
  try {
    await copying;
  } catch (cause) {
    if (stalled.signal.aborted) throw new EngineError('no-answer', `the copy of ${from} came to a stop`, { cause });
    if (cause instanceof Error && cause.message.includes('No space left')) {
      throw new EngineError('node-disk-full', 'no space left on the node to copy a disk', { cause });
    }
    throw cause;
  } finally {
    unwatch();
  }
}

/** Calls `onStall` once a process has moved no byte for so long. Returns the way to watch no more. */
function watchProgress(pid: number | undefined, stallMs: number, onStall: () => void): () => void {
  let [moved, sinceMs] = ['', performance.now()];
  const look = async (): Promise<void> => {
    const now = await readFile(`/proc/${pid}/io`, 'latin1').catch(() => '');
    if (now !== moved) [moved, sinceMs] = [now, performance.now()];
    else if (performance.now() - sinceMs > stallMs) onStall();
  };
  const timer = setInterval(() => void look(), stallMs / looksPerStall);
  return () => clearInterval(timer);
}
