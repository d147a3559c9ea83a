import { latencySeconds, type MetricEntry } from '../entry.js';

export const provisionMetrics = {
  berth_operations_total: {
    type: 'counter',
    help: 'Operations that ended',
    labels: ['kind', 'outcome'],
    from: 'scheduler',
  },
  berth_operation_duration_seconds: {
    type: 'histogram',
    help: 'Accepted to ended, by the database clock',
    labels: ['kind', 'outcome'],
    buckets: latencySeconds,
    from: 'scheduler',
  },
  berth_instance_provision_duration_seconds: {
    type: 'histogram',
    help: 'Time of each phase of a successful start, and of the whole (phase="total")',
    labels: ['phase', 'driver'],
    buckets: latencySeconds,
    from: 'scheduler',
  },
  berth_instances: {
    type: 'gauge',
    help: 'Instances by project, type and state; deleted ones are not counted',
    labels: ['project', 'instance_type', 'state'],
    from: 'scheduler',
  },
  berth_quota_used: {
    type: 'gauge',
    help: 'What the instances of a project hold of its quota',
    labels: ['project', 'resource'],
    from: 'scheduler',
  },
  berth_quota_limit: {
    type: 'gauge',
    help: 'The quota of a project',
    labels: ['project', 'resource'],
    from: 'scheduler',
  },
} as const satisfies Record<string, MetricEntry>;
