import type { Exporter, MetricEntry } from './entry.js';
import { apiMetrics } from './sections/api.js';
import { fleetMetrics } from './sections/fleet.js';
import { loopMetrics } from './sections/loop.js';
import { migrationMetrics } from './sections/migration.js';
import { nodeMetrics } from './sections/node.js';
import { provisionMetrics } from './sections/provision.js';
import { workerMetrics } from './sections/worker.js';

/** In the order of docs/metrics.md, which is rendered from it. */
export const sections = {
  'Requests (api)': apiMetrics,
  'Queues and loops (scheduler)': loopMetrics,
  'Provisioning (scheduler)': provisionMetrics,
  'Live migration (scheduler)': migrationMetrics,
  'Nodes, energy and cost (scheduler)': nodeMetrics,
  'Fleet (scheduler)': fleetMetrics,
  'Worker and instances (worker)': workerMetrics,
} as const satisfies Record<string, Record<string, MetricEntry>>;

export const catalogue = {
  ...apiMetrics,
  ...loopMetrics,
  ...provisionMetrics,
  ...migrationMetrics,
  ...nodeMetrics,
  ...fleetMetrics,
  ...workerMetrics,
} as const;

export type MetricName = keyof typeof catalogue;

/** The names one process exports. */
export type NameFrom<E extends Exporter> = {
  [N in MetricName]: (typeof catalogue)[N]['from'] extends E ? N : never;
}[MetricName];
