import { readFileSync } from 'node:fs';

/** Milliseconds of the node's monotonic clock: the same for every process since the node booted, deaf to wall time. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** Seconds since the node booted, sleep included: the clock of leases. */
export function bootSeconds(): number {
  return Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
}

/** Names this boot of the node, so that a pid or a time of another boot is never believed. */
export const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
