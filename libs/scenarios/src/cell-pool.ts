import { Worker } from 'node:worker_threads';
import { cellName, type SimulationCell } from '@berth/contracts/simulation.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import type { CellMessage } from './cell-thread.js';
import type { CellProgress } from './run-cell.js';

interface WaitingCell {
  readonly cell: SimulationCell;
  readonly onProgress: CellProgress;
  readonly resolve: (summary: Summary) => void;
  readonly reject: (error: Error) => void;
}

/** A cell that did not come to an end; the message names it. */
export class CellError extends Error {
  override readonly name = 'CellError';
  constructor(cell: SimulationCell, message: string) {
    super(`${cellName(cell)}: ${message}`);
  }
}

/** Runs cells on threads of this process, which ends them with it. What a cell gives does not depend on its thread. */
export class CellPool {
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, WaitingCell>();
  readonly #waiting: WaitingCell[] = [];
  #isClosed = false;

  constructor(readonly threads: number) {}

  /** @throws CellError */
  run(cell: SimulationCell, onProgress: CellProgress): Promise<Summary> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ cell, onProgress, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads; cells that are not done are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const undone = [...this.#waiting.splice(0), ...this.#busy.values()];
    const threads = [...this.#idle, ...this.#busy.keys()];
    this.#busy.clear();
    for (const { cell, reject } of undone) reject(new CellError(cell, 'given up'));
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  #next(): void {
    if (this.#isClosed || this.#waiting.length === 0) return;
    const thread = this.#idle.pop() ?? (this.#busy.size < this.threads ? this.#start() : undefined);
    if (thread === undefined) return;
    const given = this.#waiting.shift()!;
    this.#busy.set(thread, given);
    thread.postMessage(given.cell);
  }

  #start(): Worker {
    const thread = new Worker(new URL('./cell-thread.js', import.meta.url));
    thread.on('message', (message: CellMessage) => this.#heard(thread, message));
    thread.on('error', (error) => this.#lost(thread, error.message));
    thread.on('exit', () => this.#lost(thread, 'its thread has ended'));
    return thread;
  }

  #heard(thread: Worker, message: CellMessage): void {
    const given = this.#busy.get(thread);
    if (given === undefined) return;
    if (message.kind === 'progress') return given.onProgress(message.share);
    this.#busy.delete(thread);
    this.#idle.push(thread);
    if (message.kind === 'done') given.resolve(message.summary);
    else given.reject(new CellError(given.cell, message.message));
    this.#next();
  }

  /** Out of memory, say: its cell has failed, another thread takes the next one. */
  #lost(thread: Worker, reason: string): void {
    const given = this.#busy.get(thread);
    this.#busy.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    given?.reject(new CellError(given.cell, reason));
    this.#next();
  }
}
