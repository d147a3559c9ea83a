import { rate, ratio, type RowSpec } from '../panel.js';

const costPerSecond = rate('berth_node_cost_total{node=~"$node"}');
const watts = 'max by (node) (berth_node_power_watts{node=~"$node"})';

export const energy: RowSpec = {
  title: 'Energy and cost (modelled from power curves, not measured)',
  panels: [
    {
      title: 'Power',
      says: 'Modelled power of the nodes shown at their present utilization.',
      unit: 'watt',
      kind: 'stat',
      queries: { power: `sum(${watts})` },
    },
    {
      title: 'Power per instance',
      says: 'Modelled power of all nodes / live vmms: what consolidation is there to lower.',
      unit: 'watt',
      kind: 'stat',
      queries: {
        'per instance': ratio(`sum(${watts})`, '(sum(max by (node) (berth_node_instances{node=~"$node"})) > 0)'),
      },
    },
    {
      title: 'Energy',
      says: 'Modelled energy over the time shown, without PUE.',
      unit: 'joule',
      kind: 'stat',
      queries: { energy: 'sum(max by (node) (increase(berth_node_energy_joules_total{node=~"$node"}[$__range])))' },
    },
    {
      title: 'Cost per hour',
      says: 'Energy x PUE x tariff and the share of the purchase price, at the present rate, by currency.',
      unit: 'short',
      kind: 'stat',
      queries: {
        '{{currency}}': `sum by (currency) (max by (node, currency) (${costPerSecond})) * 3600`,
      },
    },
    {
      title: 'Price of a vcpu hour',
      says: 'Cost of an hour at present power: of a vcpu as sold, and of the work of a core: slow engines are dear.',
      unit: 'short',
      queries: {
        '{{node}} {{per}} {{currency}}': 'max by (node, per, currency) (berth_node_vcpu_hour_cost{node=~"$node"})',
      },
    },
    {
      title: 'Power by node',
      says: 'Modelled power of each node.',
      unit: 'watt',
      stacked: true,
      queries: { '{{node}}': watts },
    },
    {
      title: 'Power by power model',
      says: 'Modelled power, by the curve the node is modelled with.',
      unit: 'watt',
      stacked: true,
      queries: {
        '{{power_model}}':
          `sum by (power_model) (${watts} ` +
          '* on (node) group_left (power_model) max by (node, power_model) (berth_node_info{node=~"$node"}))',
      },
    },
  ],
};
