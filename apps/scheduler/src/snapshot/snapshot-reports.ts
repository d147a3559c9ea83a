import { randomUUID } from 'node:crypto';
import type { NodeHeartbeat } from '@berth/contracts/observation.js';
import type { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { DispatchedJob, JobProducer } from '@berth/queue/job-producer.js';
import { noteEnded } from '../metrics/operations.js';
import type { Kinds } from '../observe/by-kind.js';

/** What nodes tell of snapshots: those taken, those that came to nothing, and those they keep. */
export class SnapshotReports {
  constructor(
    private readonly snapshots: SnapshotRepository,
    private readonly producer: JobProducer,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async apply(kinds: Kinds): Promise<void> {
    const failed = kinds['snapshot-failed'].map(({ operationId, problem: { code, detail, next } }) => {
      return { operationId, problem: { code, detail, ...(next !== undefined && { next }) } };
    });
    noteEnded(this.metrics, await this.snapshots.report(kinds['snapshot-taken'], failed));
  }

  /** Nobody's operation: the next list asks again if this job gets lost. */
  async clear(inventories: readonly (NodeHeartbeat & { readonly workerId: string })[]): Promise<void> {
    const kept = inventories.flatMap(({ workerId, nodeId, snapshotIds = [] }) =>
      snapshotIds.map((snapshotId) => ({ workerId, nodeId, snapshotId })),
    );
    const unwanted = new Set(await this.snapshots.unwanted(kept.map(({ snapshotId }) => snapshotId)));
    const jobs = kept
      .filter(({ snapshotId }) => unwanted.has(snapshotId))
      .map(({ workerId, nodeId, snapshotId }): DispatchedJob => {
        const operationId = randomUUID();
        const payload = { operationId, nodeId, snapshotId };
        return { workerId, jobId: `${operationId}.1`, name: 'remove-snapshot', payload };
      });
    if (jobs.length > 0) await this.producer.dispatch(jobs);
  }
}
