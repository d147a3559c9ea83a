import type { MetricEntry } from '../entry.js';

/** Consolidation, tracked. */
export const fleetMetrics = {
  berth_nodes_in_use: {
    type: 'gauge',
    help: 'Nodes that hold at least one reservation',
    labels: [],
    from: 'scheduler',
  },
  berth_packing_density: {
    type: 'gauge',
    help: 'Allocated / allocatable over the nodes in use (ratio)',
    labels: ['resource'],
    from: 'scheduler',
  },
  berth_stranded_capacity: {
    type: 'gauge',
    help: 'Free on nodes that cannot take the type most used for want of another resource / allocatable (ratio)',
    labels: ['resource'],
    from: 'scheduler',
  },
  berth_least_nodes: {
    type: 'gauge',
    help: 'Nodes the present load needs: what a packing uses, and the bound no packing can beat',
    labels: ['method'],
    from: 'scheduler',
  },
  berth_emptiable_nodes: {
    type: 'gauge',
    help: 'Nodes whose instances would all fit elsewhere',
    labels: [],
    from: 'scheduler',
  },
} as const satisfies Record<string, MetricEntry>;
