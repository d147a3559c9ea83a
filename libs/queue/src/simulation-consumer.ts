import { simulationCell, type SimulationCell } from '@berth/contracts/simulation.js';
import { Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { jobDelivery } from './job-delivery.js';
import { simulationQueue } from './keys.js';

/** How long a summary nobody has fetched is kept. */
const keptS = 3_600;

export interface SimulationConsumerOptions {
  /** Of kind `consumer`; it stays the caller's to close. */
  readonly connection: Redis;
  readonly prefix: string;
  /** Cells at once. */
  readonly concurrency: number;
  /** Must leave this thread free: a job whose lock is not renewed goes to another. Gives the summary as JSON. */
  readonly run: (cell: SimulationCell, onProgress: (share: number) => void) => Promise<string>;
  readonly onEnd: (name: string, durationMs: number, error?: Error) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Takes simulations from the queue that all simulators share. One that was killed in a cell gives it back after at most
 * `lockDuration` + `stalledInterval` of `jobDelivery`; run again, a cell gives the same summary.
 */
export class SimulationConsumer {
  private readonly worker: Worker;

  constructor(private readonly options: SimulationConsumerOptions) {
    this.worker = new Worker(simulationQueue, (job) => this.take(job), {
      connection: options.connection,
      prefix: options.prefix,
      concurrency: options.concurrency,
      ...jobDelivery,
      removeOnComplete: { age: keptS },
      removeOnFail: { age: keptS },
    });
    this.worker.on('error', options.onError);
  }

  /** Takes no more; what is at work is left to others. */
  async close(): Promise<void> {
    await this.worker.close(true);
  }

  private async take(job: Job): Promise<string> {
    const startedMs = performance.now();
    const ended = (error?: Error): void => this.options.onEnd(job.name, performance.now() - startedMs, error);
    try {
      const cell = simulationCell.parse(job.data);
      const onProgress = (share: number): void => void job.updateProgress(share).catch(this.options.onError);
      const summary = await this.options.run(cell, onProgress);
      ended();
      return summary;
    } catch (error) {
      ended(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }
}
