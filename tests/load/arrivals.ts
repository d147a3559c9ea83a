import { setTimeout as until } from 'node:timers/promises';

/**
 * Open loop: arrival `i` is due at `i / rate` seconds whatever happened to the ones before it, and its latency counts
 * from that time. A system that stalls is charged for every request that should have been sent meanwhile (no
 * coordinated omission).
 */
export async function arrive(
  count: number,
  ratePerSecond: number,
  send: (index: number, dueAtMs: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  const open: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const dueAtMs = startMs + (index * 1000) / ratePerSecond;
    const aheadMs = dueAtMs - performance.now();
    if (aheadMs > 1) await until(aheadMs);
    open.push(send(index, dueAtMs));
  }
  await Promise.all(open);
}
