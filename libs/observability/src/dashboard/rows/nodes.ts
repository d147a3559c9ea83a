import { ratio, type RowSpec } from '../panel.js';

const node = (metric: string, resource: string): string =>
  `max by (node) (${metric}{node=~"$node",resource="${resource}"})`;

export const nodes: RowSpec = {
  title: 'Nodes and capacity',
  panels: [
    {
      title: 'Nodes by state',
      says: 'Nodes in each state; unreachable is not dead, and nothing of it starts elsewhere without a fence.',
      unit: 'short',
      queries: { '{{state}}': 'sum by (state) (max by (node, state) (berth_node_state{node=~"$node"}))' },
    },
    {
      title: 'CPU utilization',
      says: 'CPU used / CPU the node has.',
      unit: 'percentunit',
      queries: { '{{node}}': ratio(node('berth_node_used', 'cpu_cores'), node('berth_node_capacity', 'cpu_cores')) },
    },
    {
      title: 'CPU allocated',
      says: 'CPU held by reservations / allocatable CPU (capacity x overcommit ratio).',
      unit: 'percentunit',
      queries: {
        '{{node}}': ratio(node('berth_node_allocated', 'cpu_cores'), node('berth_node_allocatable', 'cpu_cores')),
      },
    },
    {
      title: 'Memory allocated',
      says: 'Memory held by reservations / allocatable memory.',
      unit: 'percentunit',
      queries: {
        '{{node}}': ratio(node('berth_node_allocated', 'memory_bytes'), node('berth_node_allocatable', 'memory_bytes')),
      },
    },
    {
      title: 'Packing density',
      says: 'Allocated / allocatable over the nodes in use: how full the nodes are that could not be switched off.',
      unit: 'percentunit',
      queries: { '{{resource}}': 'max by (resource) (berth_packing_density)' },
    },
    {
      title: 'Nodes in use and needed',
      says: 'Nodes that hold something, what a packing of the present load needs, and the bound no packing can beat.',
      unit: 'short',
      queries: {
        'in use': 'max(berth_nodes_in_use)',
        'needed ({{method}})': 'max by (method) (berth_least_nodes)',
        'could be emptied': 'max(berth_emptiable_nodes)',
      },
    },
    {
      title: 'Stranded capacity',
      says: 'Free on nodes that cannot take the type most used for want of another resource / allocatable.',
      unit: 'percentunit',
      queries: { '{{resource}}': 'max by (resource) (berth_stranded_capacity)' },
    },
    {
      title: 'Instances per node',
      says: 'Live vmms on each node.',
      unit: 'short',
      stacked: true,
      queries: { '{{node}}': 'max by (node) (berth_node_instances{node=~"$node"})' },
    },
    {
      title: 'Age of the last report',
      says: 'By the database clock; at 8 s the node becomes unreachable.',
      unit: 's',
      queries: { '{{node}}': 'max by (node) (berth_node_last_seen_age_seconds{node=~"$node"})' },
    },
  ],
};
