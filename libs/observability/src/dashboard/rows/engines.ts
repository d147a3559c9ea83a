import { quantile, rate, type RowSpec } from '../panel.js';

const downtime = 'berth_migration_downtime_seconds';

export const engines: RowSpec = {
  title: 'Engines, warm starts and live migration',
  panels: [
    {
      title: 'Speed of each engine',
      says: 'Work of a vcpu / work of a core of its node, as the node timed it with a real guest.',
      unit: 'percentunit',
      queries: { '{{node}} {{driver}}': 'max by (node, driver) (berth_node_engine_speed_ratio{node=~"$node"})' },
    },
    {
      title: 'Engines tried',
      says: 'What the last trial of each engine took and found; 0 where there was nothing to try.',
      unit: 's',
      queries: {
        '{{node}} {{engine}} {{verdict}}': 'max by (node, engine, verdict) (berth_engine_probe_seconds{node=~"$node"})',
      },
    },
    {
      title: 'Guests taken over by another engine',
      says: 'Restarts under the next engine because one failed under a running guest; anything above 0 wants a look.',
      unit: 'ops',
      queries: { failovers: `sum(${rate('berth_engine_failover_total')}) or vector(0)` },
    },
    {
      title: 'Starts, warm and cold',
      says: 'What guests began from; failed means a template that was of no use, so the guest booted after all.',
      unit: 'ops',
      queries: { '{{outcome}}': `sum by (outcome) (${rate('berth_template_starts_total')})` },
    },
    {
      title: 'Templates',
      says: 'Templates that guests can start from at once, over all workers.',
      unit: 'short',
      queries: { templates: 'sum(berth_templates)' },
    },
    {
      title: 'Size of the templates',
      says: 'What the files of the templates take, over all workers.',
      unit: 'bytes',
      queries: { templates: 'sum(berth_template_bytes)' },
    },
    {
      title: 'Live migrations',
      says: 'Guests that arrived on another node while they ran, by method.',
      unit: 'ops',
      queries: { '{{method}}': `sum by (method) (${rate(`${downtime}_count`)})` },
    },
    {
      title: 'Downtime of a migration',
      says: 'How long a guest ran nowhere while it moved, by the clock of its source.',
      unit: 's',
      queries: { p50: quantile(0.5, downtime), p99: quantile(0.99, downtime) },
    },
    {
      title: 'Sent by migrations',
      says: 'Memory and devices sent from node to node, by method.',
      unit: 'binBps',
      queries: { '{{method}}': `sum by (method) (${rate('berth_migration_sent_bytes_total')})` },
    },
  ],
};
