import { buildFleet, nodeFlags } from './fleet.js';
import type { FleetView, NodeSpec } from './fleet.js';
import { choose } from './place.js';
import type { Policy } from './policy.js';
import type { PlacementRequest } from './request.js';

/** A live instance: what it asked for and the id of the node it is on. */
export interface PlacedInstance extends PlacementRequest {
  readonly node: string;
}

export interface Move {
  readonly instance: string;
  readonly to: string;
}

/** A node that could be emptied, and where each of its instances would go. */
export interface EmptiableNode {
  readonly node: string;
  readonly moves: readonly Move[];
}

/** The fleet those rows describe. */
export function fleetOf(nodes: readonly NodeSpec[], instances: readonly PlacedInstance[]): FleetView {
  return buildFleet(nodes, instances);
}

/**
 * Nodes that could be emptied one after the other, least loaded first, onto nodes that stay in use, with every
 * constraint kept. The moves of a later node reckon with those of the earlier ones.
 */
export function emptiableNodes(
  nodes: readonly NodeSpec[],
  instances: readonly PlacedInstance[],
  policy: Policy,
): EmptiableNode[] {
  const fleet = fleetOf(nodes, instances);
  const residents = byNode(instances);
  for (let node = 0; node < fleet.size; node++) if (fleet.residents[node] === 0) close(fleet, node);
  const emptied: EmptiableNode[] = [];
  for (const [node, load] of [...residents].sort(([a], [b]) => freeShare(fleet, b) - freeShare(fleet, a))) {
    const moves = moveAll(fleet, fleet.slotOf(node), largestFirst(load), policy);
    if (moves) emptied.push({ node, moves });
  }
  return emptied;
}

/**
 * How many nodes hold the present load when it is packed afresh, largest instance first onto the first node that
 * takes it, large nodes before small ones; `undefined` when that leaves an instance over.
 */
export function repackedNodes(
  nodes: readonly NodeSpec[],
  instances: readonly PlacedInstance[],
  policy: Policy,
): number | undefined {
  const bySize = nodes
    .filter(({ asleep }) => asleep !== true)
    .toSorted((a, b) => b.capacity.memoryMib - a.capacity.memoryMib);
  const fleet = buildFleet(bySize);
  const flags = fleet.flags.slice();
  for (let node = 0; node < fleet.size; node++) close(fleet, node);
  let opened = 0;
  for (const instance of largestFirst(instances)) {
    let node = choose(fleet, instance, policy);
    while (node < 0 && opened < fleet.size) {
      fleet.setFlags(opened, flags[opened]!);
      opened += 1;
      node = choose(fleet, instance, policy);
    }
    if (node < 0) return undefined;
    fleet.apply(node, instance);
  }
  return fleet.residents.filter((count) => count > 0).length;
}

/** Moves a node's whole load elsewhere and closes it; leaves the fleet as it was when that cannot be done. */
function moveAll(fleet: FleetView, from: number, load: readonly PlacedInstance[], policy: Policy): Move[] | undefined {
  const flags = fleet.flags[from]!;
  close(fleet, from);
  const targets: number[] = [];
  for (const instance of load) {
    fleet.release(from, instance);
    const to = choose(fleet, instance, policy);
    if (to < 0) {
      fleet.adopt(from, instance);
      targets.forEach((target, index) => {
        fleet.release(target, load[index]!);
        fleet.adopt(from, load[index]!);
      });
      fleet.setFlags(from, flags);
      return undefined;
    }
    fleet.apply(to, instance);
    targets.push(to);
  }
  return load.map((instance, index) => ({ instance: instance.id, to: fleet.names.nameOf(targets[index]!) }));
}

function close(fleet: FleetView, node: number): void {
  fleet.setFlags(node, fleet.flags[node]! | nodeFlags.cordoned);
}

function byNode(instances: readonly PlacedInstance[]): Map<string, PlacedInstance[]> {
  const groups = new Map<string, PlacedInstance[]>();
  for (const instance of instances) {
    const group = groups.get(instance.node);
    if (group) group.push(instance);
    else groups.set(instance.node, [instance]);
  }
  return groups;
}

function freeShare(fleet: FleetView, nodeId: string): number {
  const node = fleet.slotOf(nodeId);
  const shareOf = (resource: 'cpuMillis' | 'memoryMib'): number =>
    fleet.free[resource][node]! / fleet.allocatable[resource][node]!;
  return shareOf('cpuMillis') + shareOf('memoryMib');
}

function largestFirst(instances: readonly PlacedInstance[]): PlacedInstance[] {
  return instances.toSorted((a, b) => b.memoryMib - a.memoryMib || b.cpuMillis - a.cpuMillis);
}
