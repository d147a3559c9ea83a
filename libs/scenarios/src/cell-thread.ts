import { parentPort } from 'node:worker_threads';
import type { SimulationCell } from '@berth/contracts/simulation.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { runCell } from './run-cell.js';

/** What a thread of a `CellPool` says; progress is a share, 0 to 1. */
export type CellMessage =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'done'; readonly summary: Summary }
  | { readonly kind: 'failed'; readonly message: string };

const progressEveryMs = 200;

/** The body of a thread: one cell at a time, for as long as it is given some. */
const port = parentPort;
port?.on('message', (cell: SimulationCell) => {
  const say = (message: CellMessage): void => port.postMessage(message);
  let saidMs = 0;
  const onProgress = (share: number): void => {
    const nowMs = performance.now();
    if (nowMs - saidMs < progressEveryMs) return;
    saidMs = nowMs;
    say({ kind: 'progress', share });
  };
  runCell(cell, onProgress).then(
    (summary) => say({ kind: 'done', summary }),
    (error: unknown) => say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
