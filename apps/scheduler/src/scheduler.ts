import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Database } from '@berth/database/database.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { GaugeRepository } from '@berth/database/gauge.repository.js';
import { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import type { Logger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import { startMetricsServer, type Health, type MetricsServer } from '@berth/observability/metrics-server.js';
import { connect } from '@berth/queue/connection.js';
import { JobProducer } from '@berth/queue/job-producer.js';
import { observationBacklog } from '@berth/queue/observation-backlog.js';
import { ObservationReader } from '@berth/queue/observation-reader.js';
import type { Redis } from 'ioredis';
import type { SchedulerConfig } from './config.js';
import type { CostModel } from './fleet/cost-model.js';
import type { Loop } from './loop.js';
import { openLoops } from './loops.js';
import { showFleet } from './metrics/fleet-gauges.js';
import { showRecord } from './metrics/record-gauges.js';
import { showQueues } from './metrics/queue-gauges.js';

/** A loop that has not come round for this long is stuck, or its server is away. */
const staleAfterMs = 30_000;

/** Without Redis it starts all the same: rows wait. */
const redisPatienceMs = 1_000;

/** The control loops in one process. Any number may run: what they do to the record is compare-and-set. */
export class Scheduler implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly metrics = new Metrics('scheduler');
  private readonly database: Database;
  private readonly connections: readonly Redis[];
  private readonly producer: JobProducer;
  private readonly loops: readonly Loop[];
  private server: MetricsServer | undefined;

  constructor(
    private readonly config: SchedulerConfig,
    cost: CostModel,
    private readonly logger: Logger,
  ) {
    const { metrics } = this;
    const onError = (error: Error): void => logger.warn({ error }, 'a connection broke');
    this.database = new Database({ url: config.DATABASE_URL, application: 'berth-scheduler', onError });
    const [caller, reading] = [
      connect(config.REDIS_URL, 'caller', onError),
      connect(config.REDIS_URL, 'reader', onError),
    ];
    this.connections = [caller, reading];
    this.producer = new JobProducer(caller, config.BERTH_KEY_PREFIX, onError);
    const reader = new ObservationReader({
      connection: reading,
      prefix: config.BERTH_KEY_PREFIX,
      consumer: `scheduler-${randomUUID()}`,
      onInvalid: (body, why) => logger.error({ body: body.slice(0, 500), why }, 'an observation that is none'),
    });
    const backlog = () => observationBacklog(caller, config.BERTH_KEY_PREFIX);
    this.loops = openLoops({
      database: this.database,
      producer: this.producer,
      reader,
      backlog,
      cost,
      metrics,
      logger,
    });
    showRecord(metrics, new GaugeRepository(this.database), cost.file);
    showFleet(metrics, new FleetRepository(this.database), new InstanceTypeRepository(this.database));
    showQueues(metrics, this.producer, backlog);
  }

  get metricsPort(): number {
    return this.server?.port ?? 0;
  }

  async onApplicationBootstrap(): Promise<void> {
    await Promise.race([Promise.all(this.connections.map(connected)), delay(redisPatienceMs)]);
    for (const loop of this.loops) loop.start();
    const port = this.config.BERTH_METRICS_PORT;
    this.server = await startMetricsServer(this.metrics, () => this.health(), { port });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await this.server?.close();
    await this.producer.close();
    for (const connection of this.connections) connection.disconnect();
    await this.database.close();
    this.logger.info('scheduler stopped');
  }

  private health(): Health {
    const loops = Object.fromEntries(this.loops.map((loop) => [loop.name, loop.health]));
    const healthy = Object.values(loops).every(
      ({ lastError, lastRunAgeMs }) => lastError === null && (lastRunAgeMs ?? 0) < staleAfterMs,
    );
    return { healthy, loops };
  }
}

async function connected(connection: Redis): Promise<void> {
  if (connection.status !== 'ready') await once(connection, 'ready').catch(() => undefined);
}
