import type { MigrationProgress } from '@berth/domain/migration-progress.js';

const totalBytes = 64 * 2 ** 20;

/** As the source of a live migration tells it. */
export function progressAt(percent: number): MigrationProgress {
  const sentBytes = (totalBytes * percent) / 100;
  const rates = { bytesPerSecond: 12 * 2 ** 20, dirtyBytesPerSecond: 4096, passes: 1 };
  return { phase: 'memory', percent, sentBytes, remainingBytes: totalBytes - sentBytes, totalBytes, ...rates };
}
