import type { CloneRepository } from '@berth/database/clone.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';

const batchMax = 256;

/** Gives clones something to begin from: their sources as they are, by way of snapshots that go when all have begun. */
export class CloneLoop {
  constructor(
    private readonly clones: CloneRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async round(): Promise<Round> {
    const { kept, ended } = await this.clones.begin(batchMax);
    noteEnded(this.metrics, ended);
    await this.clones.release();
    const acted = kept + ended.length;
    return { seen: acted, acted };
  }
}
