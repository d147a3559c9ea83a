import type { NodeSpec } from '@berth/scheduling/fleet.js';
import { groupPolicies } from '@berth/scheduling/request.js';
import type { Constraints, PlacementRequest } from '@berth/scheduling/request.js';
import { azureShape } from '../packing/synthetic-arrivals.js';
import type { Random } from '../random.js';

const NODES_PER_RACK = 40;
const GROUP_MEMBERS = 8;
/** As instance types and project defaults would give them: few, and shared by many requests. */
const constraintTemplates: readonly Constraints[] = [
  { drivers: ['kvm', 'tcg'] },
  { drivers: ['kvm'], nodeSelector: { disk: 'ssd' } },
  { drivers: ['kvm'], tolerations: [{ key: 'batch' }] },
  { drivers: ['kvm', 'tcg'], nodeSelector: { disk: 'hdd' }, tolerations: [{ key: 'batch', value: 'night' }] },
];

/** A mixed fleet: three zones, racks of forty, two sizes, two drivers, labels, taints, overcommitted CPU. */
export function mixedFleet(nodes: number, random: Random): NodeSpec[] {
  const labels = [{ disk: 'ssd' }, { disk: 'hdd' }];
  const taints = [[], [], [{ key: 'batch', value: 'night' }]];
  return Array.from({ length: nodes }, (_, i) => {
    const rack = Math.floor(i / NODES_PER_RACK);
    const size = rack % 2 === 0 ? 1 : 1.5;
    return {
      id: `n${i}`,
      zone: `z${rack % 3}`,
      rack: `r${rack}`,
      capacity: { cpuMillis: 32_000 * size, memoryMib: 262_144 * size, diskGib: 4_000 },
      overcommitRatio: { cpuMillis: 2 },
      drivers: random.next() < 0.9 ? ['kvm', 'tcg'] : ['tcg'],
      labels: labels[rack % 2]!,
      taints: taints[Math.floor(random.next() * 3)]!,
      cordoned: random.next() < 0.01,
      asleep: random.next() < 0.01,
    };
  });
}

/** Requests without a constraint. */
export function plainRequests(count: number, random: Random): PlacementRequest[] {
  return Array.from({ length: count }, (_, i) => {
    const [cpus, memoryGib] = azureShape(random);
    const [cpuMillis, memoryMib] = [cpus * 1000, memoryGib * 1024];
    return { id: `i${i}`, project: 'bench', priority: 0, cpuMillis, memoryMib, diskGib: 10 };
  });
}

/** The same with every kind of constraint: driver, labels, tolerations for all; four in seven are in a group. */
export function constrainedRequests(count: number, random: Random): PlacementRequest[] {
  return plainRequests(count, random).map(({ id, project, priority, cpuMillis, memoryMib, diskGib }, i) => {
    const constraints = constraintTemplates[Math.floor(random.next() * constraintTemplates.length)]!;
    const team = Math.floor(i / GROUP_MEMBERS);
    const policy = groupPolicies[team % 7];
    if (policy === undefined) return { id, project, priority, cpuMillis, memoryMib, diskGib, constraints };
    // Eight of affinity would rarely fit one node: they go in pairs.
    const name = policy === 'affinity' ? `g${team}-${i >> 1}` : `g${team}`;
    return { id, project, priority, cpuMillis, memoryMib, diskGib, constraints, group: { name, policy } };
  });
}

/** Nodes of one kind and nothing to tell them apart. */
export function plainFleet(nodes: number): NodeSpec[] {
  const capacity = { cpuMillis: 32_000, memoryMib: 262_144, diskGib: 4_000 };
  return Array.from({ length: nodes }, (_, i) => ({ id: `n${i}`, capacity, overcommitRatio: { cpuMillis: 2 } }));
}
