import { jobNames, jobs, type JobName, type JobPayload } from '@berth/contracts/job.js';
import { Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { jobDelivery } from './job-delivery.js';
import { queueOf } from './keys.js';

export type JobHandler<N extends JobName> = (payload: JobPayload<N>) => Promise<void>;
export type JobHandlers = { readonly [N in JobName]: JobHandler<N> };

export interface JobEnd {
  readonly name: JobName;
  /** As it came; of an invalid job, anything. */
  readonly data: unknown;
  readonly outcome: 'done' | 'failed' | 'invalid';
  /** By the wall clocks of producer and consumer: right on one machine, a hint between two. */
  readonly waitMs: number;
  readonly durationMs: number;
  readonly error?: Error;
}

export interface JobConsumerOptions {
  /** Of kind `consumer`; it stays the caller's to close. */
  readonly connection: Redis;
  readonly prefix: string;
  readonly workerId: string;
  readonly concurrency: number;
  readonly handlers: JobHandlers;
  readonly onEnd: (end: JobEnd) => void;
  readonly onError: (error: Error) => void;
}

/**
 * The receiving end of one worker's queue. A job may come twice, late, or out of order: handlers look before they act.
 */
export class JobConsumer {
  private readonly worker: Worker;

  constructor(private readonly options: JobConsumerOptions) {
    this.worker = new Worker(queueOf(options.workerId), (job) => this.take(job), {
      connection: options.connection,
      prefix: options.prefix,
      concurrency: options.concurrency,
      ...jobDelivery,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.worker.on('error', options.onError);
  }

  /** Takes no more jobs. Those at work are left to be delivered again when `drop` is set, else waited for. */
  async close(drop: boolean): Promise<void> {
    await this.worker.close(drop);
  }

  private async take(job: Job): Promise<void> {
    const startedAt = performance.now();
    const waitMs = Math.max(0, (job.processedOn ?? job.timestamp) - job.timestamp);
    const name = job.name as JobName;
    let outcome: JobEnd['outcome'] = 'done';
    let error: Error | undefined;
    try {
      await this.handle(name, job.data);
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
      outcome = error instanceof InvalidJobError ? 'invalid' : 'failed';
      throw error;
    } finally {
      this.options.onEnd({
        name,
        data: job.data as unknown,
        outcome,
        waitMs,
        durationMs: performance.now() - startedAt,
        ...(error && { error }),
      });
    }
  }

  private async handle(name: JobName, data: unknown): Promise<void> {
    if (!jobNames.includes(name)) throw new InvalidJobError(`no job is called ${JSON.stringify(name)}`);
    const parsed = jobs[name].safeParse(data);
    if (!parsed.success) throw new InvalidJobError(parsed.error.message);
    const handler = this.options.handlers[name] as JobHandler<JobName>;
    await handler(parsed.data);
  }
}

/** The job does not match its contract; delivering it again would not help. */
class InvalidJobError extends Error {
  override readonly name = 'InvalidJobError';
}
