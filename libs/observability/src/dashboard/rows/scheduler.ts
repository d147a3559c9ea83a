import { quantile, rate, type RowSpec } from '../panel.js';

export const scheduler: RowSpec = {
  title: 'Scheduler and loops',
  panels: [
    {
      title: 'Placement batch',
      says: 'Time to read the fleet, decide for a batch and commit the plan.',
      unit: 's',
      queries: {
        p50: quantile(0.5, 'berth_scheduler_attempt_duration_seconds'),
        p99: quantile(0.99, 'berth_scheduler_attempt_duration_seconds'),
      },
    },
    {
      title: 'Decisions',
      says: 'Placed, unplaceable, or refused at commit because another plan was first.',
      unit: 'ops',
      queries: { '{{outcome}}': `sum by (outcome) (${rate('berth_scheduler_decisions_total')})` },
    },
    {
      title: 'Nodes refused, by filter',
      says: 'Of decisions that found no node: which filter stood in the way, in nodes per second.',
      unit: 'ops',
      queries: { '{{filter}}': `sum by (filter) (${rate('berth_scheduler_rejected_total')})` },
    },
    {
      title: 'Round of a loop, p99',
      says: 'Time of one round; a loop that needs more than its timer falls behind.',
      unit: 's',
      queries: { '{{loop}}': quantile(0.99, 'berth_loop_round_duration_seconds', ['loop']) },
    },
    {
      title: 'Items per loop',
      says: 'Looked at (seen) and changed (acted), per second.',
      unit: 'ops',
      queries: { '{{loop}} {{outcome}}': `sum by (loop, outcome) (${rate('berth_loop_items_total')})` },
    },
    {
      title: 'Since the last round',
      says: 'A loop that does not run any more shows as a rising line.',
      unit: 's',
      queries: { '{{loop}}': 'time() - max by (loop) (berth_loop_last_run_timestamp_seconds)' },
    },
    {
      title: 'Rounds that failed',
      says: 'Rounds that ended in an error, per second; the next round tries again.',
      unit: 'ops',
      queries: { '{{loop}}': `sum by (loop) (${rate('berth_loop_errors_total')})` },
    },
    {
      title: 'Drift acted on',
      says: 'Gaps between what is asked and what is observed that the reconciler closed, per second.',
      unit: 'ops',
      queries: { '{{kind}}': `sum by (kind) (${rate('berth_reconcile_drift_total')})` },
    },
  ],
};
