import 'reflect-metadata';
import { writeReadyFile } from '@berth/config/ready-file.js';
import { makeLogger } from '@berth/observability/logger.js';
import { NestFactory } from '@nestjs/core';
import type { SchedulerConfig } from './config.js';
import { Scheduler } from './scheduler.js';
import { SchedulerModule } from './scheduler.module.js';

/** Runs until a signal comes; a process that cannot start ends with 1. */
export async function serve(config: SchedulerConfig): Promise<void> {
  const logger = makeLogger('scheduler', config.BERTH_LOG_LEVEL);
  try {
    const app = await NestFactory.createApplicationContext(SchedulerModule.of(config, logger), {
      logger: ['error', 'fatal'],
      abortOnError: false,
    });
    app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
    await writeReadyFile(config.BERTH_READY_FILE, { pid: process.pid, metricsPort: app.get(Scheduler).metricsPort });
  } catch (error) {
    logger.fatal({ error }, 'scheduler cannot start');
    process.exitCode = 1;
    setImmediate(() => process.exit());
  }
}
