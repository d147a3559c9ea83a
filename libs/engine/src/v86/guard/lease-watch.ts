import { readFileSync } from 'node:fs';
import { bootSeconds } from '../../vmm/clock.js';

const checkMinMs = 50;
const checkMaxMs = 1000;

/**
 * Calls `onLapse` once the boot-clock second written in the lease file has passed. A file that is missing or torn
 * leaves the last deadline standing.
 */
export function watchLease(path: string, firstSeconds: number, onLapse: () => void): void {
  let deadline = bootSeconds() + firstSeconds;
  const check = () => {
    deadline = read(path) ?? deadline;
    const leftMs = (deadline - bootSeconds()) * 1000;
    if (leftMs <= 0) onLapse();
    else setTimeout(check, Math.min(Math.max(leftMs, checkMinMs), checkMaxMs));
  };
  check();
}

function read(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'latin1').trim();
    return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
