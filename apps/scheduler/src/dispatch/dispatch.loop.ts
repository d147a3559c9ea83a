import type { ImageContent } from '@berth/contracts/http/image.js';
import type { DispatchRepository } from '@berth/database/dispatch.repository.js';
import type { ExitRepository } from '@berth/database/exit.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { JobProducer } from '@berth/queue/job-producer.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { jobOf } from './job-of.js';

const batchMax = 256;
/** A job that made no progress by then is handed out again: it, its report or the whole of Redis may be lost. */
const againAfterMs = 10_000;
const redisAwayMs = 1_000;

/** Operation rows become jobs. Redis away: the rows wait. */
export class DispatchLoop {
  constructor(
    private readonly dispatches: DispatchRepository,
    private readonly exits: ExitRepository,
    private readonly producer: JobProducer,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async round(): Promise<Round> {
    const settled = await this.exits.settle(batchMax);
    noteEnded(this.metrics, settled);
    const due = await this.dispatches.claim<ImageContent>(batchMax, againAfterMs);
    const jobs = due.map((one) => ({ due: one, job: jobOf(one) }));
    const { acceptedJobIds, errors } = await this.producer.dispatch(jobs.map(({ job }) => job));
    const refused = jobs.filter(({ job }) => !acceptedJobIds.has(job.jobId));
    await this.dispatches.putBack(
      refused.map(({ due: { operationId } }) => operationId),
      redisAwayMs,
    );
    for (const { due: one } of jobs) {
      if (one.attempt === 1)
        this.metrics.get('berth_queue_wait_seconds').observe({ queue: 'dispatch' }, one.waitedMs / 1000);
    }
    if (errors[0] !== undefined) throw errors[0];
    const seen = settled.length + due.length;
    return { seen, acted: seen - refused.length, ...(due.length === batchMax && { nextInMs: 0 }) };
  }
}
