import { writeReadyFile } from '@berth/config/ready-file.js';
import { InstanceSeedRepository } from '@berth/database/instance-seed.repository.js';
import { makeLogger } from '@berth/observability/logger.js';
import { startMetricsServer } from '@berth/observability/metrics-server.js';
import { startApi } from './api.js';
import type { ApiConfig } from './config.js';
import { contentRoute } from './images/content-route.js';
import { seedRoute } from './instances/seed-route.js';
import { nodeServer } from './nodes/node-server.js';

/** Runs until a signal comes. */
export async function serve(config: ApiConfig): Promise<void> {
  const logger = makeLogger('api', config.BERTH_LOG_LEVEL);
  const api = await startApi(config, logger);
  const health = (): Promise<{ healthy: boolean }> => api.database.query('SELECT 1').then(() => ({ healthy: true }));
  const forNodes = [contentRoute(api.images), seedRoute(new InstanceSeedRepository(api.database))];
  const also = nodeServer(config.BERTH_AGENT_SECRET, forNodes);
  const internal = await startMetricsServer(api.metrics, health, { port: config.BERTH_METRICS_PORT, also });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'stopping');
      Promise.all([api.close(), internal.close()]).then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'stopped badly');
          process.exit(1);
        },
      );
    });
  }

  const ports = { port: api.port, metricsPort: internal.port };
  logger.info(ports, 'listening');
  if (!(await api.serving)) return;
  await writeReadyFile(config.BERTH_READY_FILE, { pid: process.pid, ...ports });
  logger.info(ports, 'serving');
}
