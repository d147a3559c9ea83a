import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { cellName, type SimulationCell } from '@berth/contracts/simulation.js';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { simulationQueue } from './keys.js';

const pollMs = 200;

export interface SimulationRun {
  readonly cells: readonly SimulationCell[];
  /** Told how much of a cell, named by its place, is done: 0 to 1. */
  readonly onProgress: (index: number, share: number) => void;
  /** Redis has not answered; it is asked again. */
  readonly onTrouble: (error: Error) => void;
  /** Gives up: what no simulator has begun is taken back. */
  readonly signal: AbortSignal;
}

/**
 * Hands cells to whatever simulators there are and collects their summaries. A cell that the queue has lost, Redis
 * emptied, say, is handed out again: it gives the same summary.
 */
export class SimulationProducer {
  private readonly queue: Queue;

  /** @param connection of kind `caller`, ready: BullMQ never recovers from one that is not. The caller closes it. */
  constructor(connection: Redis, prefix: string, onError: (error: Error) => void) {
    this.queue = new Queue(simulationQueue, { connection, prefix, skipWaitingForReady: true });
    this.queue.on('error', onError);
  }

  /**
   * The summaries as JSON, in the order of the cells.
   * @throws when a cell failed, or when the run was given up
   */
  async run({ cells, onProgress, onTrouble, signal }: SimulationRun): Promise<readonly string[]> {
    const runId = randomUUID();
    const summaries: string[] = [];
    const open = new Map(cells.map((cell, index) => [index, cell]));
    try {
      while (open.size > 0) {
        signal.throwIfAborted();
        for (const [index, cell] of open) {
          const answer = await this.look(`${runId}.${index}`, cell).catch(onTrouble);
          if (answer instanceof CellFailure) throw answer;
          if (typeof answer === 'number') onProgress(index, answer);
          if (typeof answer !== 'string') continue;
          summaries[index] = answer;
          open.delete(index);
          onProgress(index, 1);
        }
        if (open.size > 0) await delay(pollMs);
      }
      return summaries;
    } finally {
      for (const index of open.keys()) await this.queue.remove(`${runId}.${index}`).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.queue.close().catch(() => undefined);
  }

  /** Its summary, its failure, or the share that is done. */
  private async look(jobId: string, cell: SimulationCell): Promise<string | number | CellFailure> {
    const job = await this.queue.getJob(jobId);
    if (job === undefined) {
      await this.queue.add(cellName(cell), cell, { jobId, attempts: 1 });
      return 0;
    }
    const state = await job.getState();
    if (state === 'failed') return new CellFailure(job.failedReason ?? `${cellName(cell)}: failed`);
    if (state !== 'completed') return typeof job.progress === 'number' ? job.progress : 0;
    const summary: unknown = (await this.queue.getJob(jobId))?.returnvalue;
    if (typeof summary !== 'string') return 0;
    await job.remove();
    return summary;
  }
}

class CellFailure extends Error {
  override readonly name = 'CellFailure';
}
