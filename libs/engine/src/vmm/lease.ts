import { writeFile } from 'node:fs/promises';
import { bootSeconds } from './clock.js';
import { replaceFile } from './state.js';

/** A guard with `onIsolation: stop` ends its guest this long after the last renewal. */
export const leaseSeconds = 12;

/**
 * The node's right to run guests, as a file the guards read: the boot-clock second at which it ends. The worker
 * renews it while the control plane answers; nothing in the worker's own process can be trusted to end a guest, it
 * may be paused.
 */
export async function renewLease(path: string): Promise<void> {
  const text = `${(bootSeconds() + leaseSeconds).toFixed(2)}\n`;
  // where a new file finds no room the old one's block does: guards leave a torn one alone
  await replaceFile(path, text).catch(() => writeFile(path, text, { flag: 'r+' }));
}
