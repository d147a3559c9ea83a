import { latencySeconds, type MetricEntry } from '../entry.js';

/** From a guest nobody notices to one that was starved of the network. */
const downtimeSeconds = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10];

export const migrationMetrics = {
  berth_migration_duration_seconds: {
    type: 'histogram',
    help: 'Live migrations that arrived; methods are precopy, postcopy, stop-and-copy, shared-memory',
    labels: ['method'],
    buckets: latencySeconds,
    from: 'scheduler',
  },
  berth_migration_downtime_seconds: {
    type: 'histogram',
    help: 'How long the guest ran nowhere, by the clock of the source',
    labels: ['method'],
    buckets: downtimeSeconds,
    from: 'scheduler',
  },
  berth_migration_sent_bytes_total: {
    type: 'counter',
    help: 'Memory, devices and disks sent by live migrations that arrived; encrypted: by TLS',
    labels: ['method', 'encrypted'],
    from: 'scheduler',
  },
} as const satisfies Record<string, MetricEntry>;
