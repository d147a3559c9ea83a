import type { JobName, JobPayload } from '@berth/contracts/job.js';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { queueOf } from './keys.js';

const addTimeoutMs = 4_000;

/** `jobId` is `<operation id>.<attempt>`: a new attempt is a new job, for BullMQ forgets an id with its job. */
export type DispatchedJob = {
  [N in JobName]: {
    readonly workerId: string;
    readonly jobId: string;
    readonly name: N;
    readonly payload: JobPayload<N>;
  };
}[JobName];

export interface DispatchOutcome {
  /** Redis has them. Those missing may have arrived too: sent again later, they are recognised by generation. */
  readonly acceptedJobIds: ReadonlySet<string>;
  readonly errors: readonly Error[];
}

/** The sending end of the workers' queues. Bounded: every call ends within seconds, whatever Redis does. */
export class JobProducer {
  private readonly queues = new Map<string, Queue>();

  /** @param connection of kind `caller`; it stays the caller's to close */
  constructor(
    private readonly connection: Redis,
    private readonly prefix: string,
    private readonly onError: (error: Error) => void,
  ) {}

  /** Never rejects for Redis' sake: what it did not take is missing from the answer. */
  async dispatch(batch: readonly DispatchedJob[]): Promise<DispatchOutcome> {
    const groups = new Map<string, DispatchedJob[]>();
    for (const job of batch) {
      const group = groups.get(job.workerId);
      if (group) group.push(job);
      else groups.set(job.workerId, [job]);
    }
    const outcomes = await Promise.allSettled([...groups].map(([workerId, group]) => this.add(workerId, group)));
    return {
      acceptedJobIds: new Set(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))),
      errors: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : [])),
    };
  }

  /** Jobs that wait in each queue used so far, for the queue depth metric. */
  async waitingCounts(): Promise<ReadonlyMap<string, number>> {
    const counts = [...this.queues].map(async ([workerId, queue]) => {
      const count = await this.bounded(queue.getWaitingCount());
      return [workerId, count] as const;
    });
    return new Map(await Promise.all(counts));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.queues.values()].map((queue) => queue.close()));
  }

  private async add(workerId: string, group: readonly DispatchedJob[]): Promise<string[]> {
    // BullMQ waits for a first connection without a limit
    if (this.connection.status !== 'ready') throw new Error('Redis is away');
    await this.bounded(
      this.queue(workerId).addBulk(
        group.map(({ name, payload, jobId }) => ({
          name,
          data: payload,
          opts: { jobId, attempts: 1, removeOnComplete: true, removeOnFail: true },
        })),
      ),
    );
    return group.map(({ jobId }) => jobId);
  }

  private queue(workerId: string): Queue {
    const known = this.queues.get(workerId);
    if (known) return known;
    const queue = new Queue(queueOf(workerId), {
      connection: this.connection,
      prefix: this.prefix,
      skipWaitingForReady: true,
      streams: { events: { maxLen: 100 } },
    });
    queue.on('error', this.onError);
    this.queues.set(workerId, queue);
    return queue;
  }

  private async bounded<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Redis gave no answer in ${addTimeoutMs} ms`)), addTimeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
