import { z } from 'zod';
import type { GuestMemory, StorageStats } from '../driver.js';

const cpus = z.array(z.object({ 'thread-id': z.int().positive() }));

const count = z.number().nonnegative();
const drives = z.array(
  z.object({
    stats: z.object({
      rd_bytes: count,
      wr_bytes: count,
      rd_operations: count,
      wr_operations: count,
      rd_total_time_ns: count,
      wr_total_time_ns: count,
    }),
  }),
);

const balloon = z.object({
  'last-update': z.number(),
  stats: z.object({ 'stat-total-memory': count, 'stat-available-memory': count }),
});
/** What QEMU has for a figure that the guest has not given; the nearest number to it. */
const notGiven = 2 ** 64;
/** A guest that gives them does so several times in it. */
const freshSeconds = 60;
const bytesPerMib = 2 ** 20;

/** Each once, though several vcpus may take turns in it. Empty: that is no answer of a machine with so many vcpus. */
export function vcpuThreads(answer: unknown, vcpus: number): readonly number[] {
  const { data = [] } = cpus.safeParse(answer);
  return data.length <= vcpus ? [...new Set(data.map((cpu) => cpu['thread-id']))] : [];
}

/** Summed over the drives; undefined: that is no answer. What lies below a drive is its own affair. */
export function storageStats(answer: unknown): StorageStats | undefined {
  const { data } = drives.safeParse(answer);
  const sum = (read: (stats: NonNullable<typeof data>[number]['stats']) => number) =>
    (data ?? []).reduce((total, { stats }) => total + read(stats), 0);
  return (
    data && {
      readBytes: sum((stats) => stats.rd_bytes),
      writtenBytes: sum((stats) => stats.wr_bytes),
      reads: sum((stats) => stats.rd_operations),
      writes: sum((stats) => stats.wr_operations),
      readMs: sum((stats) => stats.rd_total_time_ns) / 1e6,
      writeMs: sum((stats) => stats.wr_total_time_ns) / 1e6,
    }
  );
}

/** As the driver of the guest's balloon told it last; undefined: it has none, has not told yet or tells no longer. */
export function guestMemory(answer: unknown, nowMs: number): GuestMemory | undefined {
  const { data } = balloon.safeParse(answer);
  if (!data || nowMs / 1000 - data['last-update'] > freshSeconds) return undefined;
  const { 'stat-total-memory': total, 'stat-available-memory': available } = data.stats;
  if (total === notGiven || available > total) return undefined;
  return { memoryTotalMib: total / bytesPerMib, memoryAvailableMib: available / bytesPerMib };
}
