import { z } from 'zod';
import type { StorageStats } from '../driver.js';

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
