import { once } from 'node:events';
import type { SimulationCell } from '@berth/contracts/simulation.js';
import { CellError, CellPool } from '@berth/scenarios/cell-pool.js';
import { connect } from '@berth/queue/connection.js';
import { SimulationProducer } from '@berth/queue/simulation-producer.js';
import { runCell } from '@berth/scenarios/run-cell.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import type { Redis } from 'ioredis';
import { wholeNumber } from '../actions/whole-number.js';
import { CliError } from '../output/failure.js';
import { terminal } from '../output/terminal.js';

/** Told of each cell, by its place, how much of it is done. */
export type CellsProgress = (index: number, share: number) => void;

/** Who runs cells. Summaries come in the order of the cells, whoever was first. */
export interface CellRunner {
  run(cells: readonly SimulationCell[], onProgress: CellsProgress): Promise<readonly Summary[]>;
  close(): Promise<void>;
}

const workersMax = 64;
const queuePrefix = 'berth';
const firstAnswerMs = 5_000;

export function openRunner(flags: { readonly workers: string; readonly queue?: string }): CellRunner {
  if (flags.queue !== undefined) return onQueue(flags.queue);
  const workers = wholeNumber('--workers', flags.workers, { min: 1, max: workersMax, example: 2 });
  return workers === 1 ? inThisThread : onThreads(new CellPool(workers));
}

const inThisThread: CellRunner = {
  async run(cells, onProgress) {
    const summaries: Summary[] = [];
    for (const [index, cell] of cells.entries()) {
      const told = runCell(cell, (share) => onProgress(index, share));
      summaries.push(
        await told.catch((error: unknown) => {
          throw new CellError(cell, error instanceof Error ? error.message : String(error));
        }),
      );
      onProgress(index, 1);
    }
    return summaries;
  },
  close: async () => undefined,
};

function onThreads(pool: CellPool): CellRunner {
  return {
    run: (cells, onProgress) =>
      Promise.all(
        cells.map(async (cell, index) => {
          const summary = await pool.run(cell, (share) => onProgress(index, share));
          onProgress(index, 1);
          return summary;
        }),
      ),
    close: () => pool.close(),
  };
}

/** Simulators (`apps/simulator`) of any number of machines take the cells; Ctrl-C takes back what none has begun. */
function onQueue(url: string): CellRunner {
  if (!/^rediss?:\/\//.test(url)) throw new CliError(`--queue ${url}: expected an address such as redis://host:6379`);
  const connection = connect(url, 'caller', () => undefined);
  return {
    async run(cells, onProgress) {
      await connected(connection, url);
      const producer = new SimulationProducer(connection, queuePrefix, () => undefined);
      const giveUp = new AbortController();
      process.once('SIGINT', () => giveUp.abort(new CliError('given up')));
      let isTold = false;
      const onTrouble = (error: Error): void => {
        if (!isTold) terminal.tell(`the queue does not answer (${error.message}); waiting for it`);
        isTold = true;
      };
      const texts = await producer.run({ cells, onProgress, onTrouble, signal: giveUp.signal });
      await producer.close();
      return texts.map((text) => JSON.parse(text) as Summary);
    },
    close: async () => connection.disconnect(),
  };
}

async function connected(connection: Redis, url: string): Promise<void> {
  if (connection.status === 'ready') return;
  const signal = AbortSignal.timeout(firstAnswerMs);
  await once(connection, 'ready', { signal }).catch(() => {
    connection.disconnect();
    throw new CliError(`--queue ${url}: no Redis answers there`);
  });
}
