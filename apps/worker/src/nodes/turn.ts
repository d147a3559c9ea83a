import { lockFile } from './file-lock.js';

/** Runs `work` when no other process of this machine does so for the same path; `PATH.lock` is left behind. */
export async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockFile(`${path}.lock`, 'wait');
  try {
    return await work();
  } finally {
    await lock?.close();
  }
}
