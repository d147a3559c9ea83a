import type { ResizingRepository } from '@berth/database/resizing.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { noteEnded } from '../metrics/operations.js';
import type { Kinds } from '../observe/by-kind.js';

/** What nodes tell of disks that were to grow under their guests. */
export class GrowthReports {
  constructor(
    private readonly resizes: ResizingRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async apply(kinds: Kinds): Promise<void> {
    const failed = kinds['disk-not-grown'].map(({ detail, ...report }) => {
      const next = 'restart the instance: its disk grows when it starts';
      return { ...report, problem: { code: 'resize-failed' as const, detail, next } };
    });
    noteEnded(this.metrics, await this.resizes.grown(kinds['disk-grown'], failed));
  }
}
