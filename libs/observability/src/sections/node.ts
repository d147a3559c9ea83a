import type { MetricEntry } from '../entry.js';

const perResource = ['node', 'resource'] as const;

/**
 * From the record: a node nobody can reach still shows. `resource` carries its unit: cpu_cores, memory_bytes,
 * disk_bytes.
 */
export const nodeMetrics = {
  berth_node_info: {
    type: 'gauge',
    help: 'Always 1; joins the traits of a node to its other metrics',
    labels: ['node', 'zone', 'rack', 'driver', 'power_model'],
    from: 'scheduler',
  },
  berth_node_engine_speed_ratio: {
    type: 'gauge',
    help: 'Work of a vcpu under the engine of the node / work of a core of the node, as the node measured it',
    labels: ['node', 'driver'],
    from: 'scheduler',
  },
  berth_node_vcpu_hour_cost: {
    type: 'gauge',
    help: 'Cost of an hour at present power, per vcpu: per="allocatable" as sold, per="native" for the work of a core',
    labels: ['node', 'currency', 'per'],
    from: 'scheduler',
  },
  berth_engine_failover_total: {
    type: 'counter',
    help: 'Guests whose engine failed and that were restarted under the next one their node offers',
    labels: ['from', 'to', 'reason'],
    from: 'scheduler',
  },
  berth_node_state: {
    type: 'gauge',
    help: '1 for the state the node is in, 0 for the others',
    labels: ['node', 'state'],
    from: 'scheduler',
  },
  berth_node_cordoned: {
    type: 'gauge',
    help: '1 when the node takes no new placements',
    labels: ['node'],
    from: 'scheduler',
  },
  berth_node_last_seen_age_seconds: {
    type: 'gauge',
    help: 'Age of the last report of the node, by the database clock',
    labels: ['node'],
    from: 'scheduler',
  },
  berth_node_capacity: {
    type: 'gauge',
    help: 'What the node has',
    labels: perResource,
    from: 'scheduler',
  },
  berth_node_allocatable: {
    type: 'gauge',
    help: 'What reservations may hold: capacity x overcommit ratio, less what the host keeps',
    labels: perResource,
    from: 'scheduler',
  },
  berth_node_allocated: {
    type: 'gauge',
    help: 'What unreleased reservations hold',
    labels: perResource,
    from: 'scheduler',
  },
  berth_node_used: {
    type: 'gauge',
    help: 'What the vmms of the node use, as it reported last',
    labels: perResource,
    from: 'scheduler',
  },
  berth_node_instances: {
    type: 'gauge',
    help: 'Live vmms on the node',
    labels: ['node'],
    from: 'scheduler',
  },
  berth_node_power_watts: {
    type: 'gauge',
    help: 'Power at the present utilization; source="model": from the power curve of the node, not measured',
    labels: ['node', 'source'],
    from: 'scheduler',
  },
  berth_node_energy_joules_total: {
    type: 'counter',
    help: 'Power integrated over the database clock; source="model"',
    labels: ['node', 'source'],
    from: 'scheduler',
  },
  berth_node_cost_total: {
    type: 'counter',
    help: 'Energy x PUE x tariff, and the share of the purchase price',
    labels: ['node', 'currency'],
    from: 'scheduler',
  },
} as const satisfies Record<string, MetricEntry>;
