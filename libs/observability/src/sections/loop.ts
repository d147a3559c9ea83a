import { latencySeconds, stepSeconds, type MetricEntry } from '../entry.js';

/** Follows a request through every queue (place, dispatch, worker, observations) and the loops that empty them. */
export const loopMetrics = {
  berth_loop_round_duration_seconds: {
    type: 'histogram',
    help: 'Time of one round of a control loop',
    labels: ['loop'],
    buckets: stepSeconds,
    from: 'scheduler',
  },
  berth_loop_items_total: {
    type: 'counter',
    help: 'Items a loop looked at (seen) and changed (acted)',
    labels: ['loop', 'outcome'],
    from: 'scheduler',
  },
  berth_loop_errors_total: {
    type: 'counter',
    help: 'Rounds of a loop that ended in an error',
    labels: ['loop'],
    from: 'scheduler',
  },
  berth_loop_last_run_timestamp_seconds: {
    type: 'gauge',
    help: 'When the loop last ended a round, since the epoch',
    labels: ['loop'],
    from: 'scheduler',
  },
  berth_queue_depth: {
    type: 'gauge',
    help: 'Items waiting: operations by stage (place, dispatch, node), jobs of all workers, observations to apply',
    labels: ['queue'],
    from: 'scheduler',
  },
  berth_queue_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest operation at a stage, by the database clock',
    labels: ['queue'],
    from: 'scheduler',
  },
  berth_queue_wait_seconds: {
    type: 'histogram',
    help: 'Time spent in a queue: operations at a stage by the database clock, observations by that of Redis',
    labels: ['queue'],
    buckets: latencySeconds,
    from: 'scheduler',
  },
  berth_scheduler_attempt_duration_seconds: {
    type: 'histogram',
    help: 'Time of one placement batch: read the fleet, decide, commit',
    labels: [],
    buckets: stepSeconds,
    from: 'scheduler',
  },
  berth_scheduler_decisions_total: {
    type: 'counter',
    help: 'Placement decisions: placed, unplaceable, or refused at commit',
    labels: ['outcome'],
    from: 'scheduler',
  },
  berth_scheduler_rejected_total: {
    type: 'counter',
    help: 'Nodes a filter refused in decisions that found no node',
    labels: ['filter'],
    from: 'scheduler',
  },
  berth_observations_total: {
    type: 'counter',
    help: 'Observations applied to the record, or stale because a later generation or state had won',
    labels: ['kind', 'outcome'],
    from: 'scheduler',
  },
  berth_reconcile_drift_total: {
    type: 'counter',
    help: 'Gaps between desired and observed state that the reconciler acted on',
    labels: ['kind'],
    from: 'scheduler',
  },
} as const satisfies Record<string, MetricEntry>;
