import 'reflect-metadata';
import { writeReadyFile } from '@berth/config/ready-file.js';
import { makeLogger } from '@berth/observability/logger.js';
import { NestFactory } from '@nestjs/core';
import type { WorkerConfig } from './config.js';
import { openEngines } from './nodes/open-engines.js';
import { Worker } from './worker.js';
import { WorkerModule } from './worker.module.js';

/** Runs until a signal comes; a process that cannot start ends with 1. */
export async function serve(config: WorkerConfig): Promise<void> {
  const logger = makeLogger('worker', config.BERTH_LOG_LEVEL);
  try {
    const app = await NestFactory.createApplicationContext(WorkerModule.of(config, openEngines, logger), {
      logger: false, // ours tells of failures below
      abortOnError: false,
    });
    app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
    const { agentPort } = app.get(Worker);
    await writeReadyFile(config.BERTH_READY_FILE, { pid: process.pid, port: agentPort, metricsPort: agentPort });
  } catch (error) {
    logger.fatal({ error }, 'worker cannot start');
    process.exitCode = 1;
    setImmediate(() => process.exit());
  }
}
