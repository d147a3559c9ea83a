import { mean, quantile, rate, rateOfRange, ratio, type RowSpec } from '../panel.js';

const phases = 'berth_instance_provision_duration_seconds';
const total = `${phases}{phase="total"}`;

export const provisioning: RowSpec = {
  title: 'Service level and provisioning',
  panels: [
    {
      title: 'Ready within 3 s',
      says: 'Share of successful starts whose guest was ready within 3 s of the accepted request, over the time shown.',
      unit: 'percentunit',
      kind: 'stat',
      queries: {
        ready: ratio(
          `sum(${rateOfRange(`${phases}_bucket{phase="total",le="3"}`)})`,
          `sum(${rateOfRange(`${phases}_count{phase="total"}`)})`,
        ),
      },
    },
    {
      title: 'Operations that succeeded',
      says: 'Share of ended operations that succeeded, over the time shown; cancelled ones count as ended.',
      unit: 'percentunit',
      kind: 'stat',
      queries: {
        succeeded: ratio(
          `sum(${rateOfRange('berth_operations_total{outcome="succeeded"}')})`,
          `sum(${rateOfRange('berth_operations_total')})`,
        ),
      },
    },
    {
      title: 'Time to ready, p99',
      says: 'Of the starts in the time shown, 99 in 100 were ready within this time.',
      unit: 's',
      kind: 'stat',
      queries: { p99: quantile(0.99, total, [], rateOfRange) },
    },
    {
      title: 'Instances running',
      says: 'Instances whose guest said that it is ready.',
      unit: 'short',
      kind: 'stat',
      queries: { running: 'sum(berth_instances{state="running",project=~"$project",instance_type=~"$instance_type"})' },
    },
    {
      title: 'Time to ready',
      says: 'From the accepted request until the guest says that it is ready.',
      unit: 's',
      queries: {
        p50: quantile(0.5, total),
        p90: quantile(0.9, total),
        p99: quantile(0.99, total),
      },
    },
    {
      title: 'Time to ready by phase',
      says: 'Mean time of each phase of a start, stacked: the tallest band is where to look.',
      unit: 's',
      stacked: true,
      queries: { '{{phase}}': mean(phases, '{phase!="total"}', 'phase') },
    },
    {
      title: 'Instances by state',
      says: 'Instances that exist, by observed state; "unknown" means that a node cannot be reached.',
      unit: 'short',
      stacked: true,
      queries: {
        '{{state}}': 'sum by (state) (berth_instances{project=~"$project",instance_type=~"$instance_type"})',
      },
    },
    {
      title: 'Operations ended',
      says: 'Operations that ended per second, by kind and outcome.',
      unit: 'ops',
      queries: { '{{kind}} {{outcome}}': `sum by (kind, outcome) (${rate('berth_operations_total')})` },
    },
    {
      title: 'Quota used',
      says: 'What each project holds of its quota; at 100 % its creates are refused.',
      unit: 'percentunit',
      queries: {
        '{{project}} {{resource}}': ratio(
          'berth_quota_used{project=~"$project"}',
          '(berth_quota_limit{project=~"$project"} > 0)',
        ),
      },
    },
  ],
};
