import { once } from 'node:events';
import { writeReadyFile } from '@berth/config/ready-file.js';
import { makeLogger } from '@berth/observability/logger.js';
import { connect } from '@berth/queue/connection.js';
import { SimulationConsumer } from '@berth/queue/simulation-consumer.js';
import { CellPool } from '@berth/scenarios/cell-pool.js';
import type { SimulatorConfig } from './config.js';

/** Runs until a signal comes. Files that cells name are looked for from its working directory. */
export async function serve(config: SimulatorConfig): Promise<void> {
  const logger = makeLogger('simulator', config.BERTH_LOG_LEVEL);
  const onError = (error: Error): void => logger.warn({ error }, 'the queue is away');
  const threads = config.BERTH_SIMULATOR_THREADS;
  const pool = new CellPool(threads);
  const connection = connect(config.REDIS_URL, 'consumer', onError);
  const consumer = new SimulationConsumer({
    connection,
    prefix: config.BERTH_KEY_PREFIX,
    concurrency: threads,
    run: async (cell, onProgress) => JSON.stringify(await pool.run(cell, onProgress)),
    onEnd: (cell, durationMs, error) => {
      if (error) logger.warn({ cell, durationMs, error }, 'a simulation failed');
      else logger.info({ cell, durationMs }, 'a simulation is done');
    },
    onError,
  });
  await writeReadyFile(config.BERTH_READY_FILE, { pid: process.pid });
  logger.info({ threads }, 'simulator takes cells');
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await consumer.close();
  await pool.close();
  connection.disconnect();
  logger.info('simulator stopped');
}
