import { density, type Density } from './density.js';
import { buildFleet, nodeFlags, type NodeSpec } from './fleet.js';
import { groupMembership, instanceRequest, type InstanceShape } from './instance-request.js';
import { place } from './place.js';
import type { Policy } from './policy.js';
import { emptiableNodes, fleetOf, repackedNodes, type EmptiableNode, type PlacedInstance } from './repack.js';
import type { ResourceAmounts } from './request.js';

/** What takes capacity now, as the record has it: the amounts are its reservation's. */
export interface RecordedResident extends ResourceAmounts {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly node: string;
  readonly constraints: InstanceShape['constraints'];
}

/** How well the load sits on its nodes, and what could be gained. Nodes that are not reachable are left out. */
export interface FleetReport {
  /** Over all nodes; `packingDensity` over those in use only. */
  readonly density: Density;
  /** Nodes that a packing from nothing uses; those in use now when it does worse. */
  readonly leastNodes: number;
  readonly emptiable: readonly EmptiableNode[];
  /**
   * Of a node in use: where its instances would go, or which of them has no other place and why. Takes a
   * fleet to find.
   */
  reasonOf(node: string): string | undefined;
}

type NamedInstance = PlacedInstance & { readonly name: string };

/** `shape` is what stranded capacity is measured against. */
export function fleetReport(
  nodes: readonly NodeSpec[],
  residents: readonly RecordedResident[],
  shape: ResourceAmounts,
  policy: Policy,
): FleetReport {
  const up = nodes.filter(({ reachable }) => reachable !== false);
  const names = new Set(up.map(({ id }) => id));
  const load = residents.filter(({ node }) => names.has(node)).map(placedOf);
  const inUse = new Set(load.map(({ node }) => node));
  const used = up.filter(({ id }) => inUse.has(id));
  const emptiable = emptiableNodes(up, load, policy);
  const movesOf = new Map(emptiable.map(({ node, moves }) => [node, moves]));
  const packed = density(fleetOf(used, load), shape);
  return {
    density: { ...density(fleetOf(up, load), shape), packingDensity: packed.packingDensity },
    leastNodes: Math.min(repackedNodes(up, load, policy) ?? used.length, used.length),
    emptiable,
    reasonOf: (node) => {
      if (!inUse.has(node)) return undefined;
      const moves = movesOf.get(node);
      return moves ? destinations(moves.map(({ to }) => to)) : obstacle(node, up, load, policy);
    },
  };
}

/**
 * What an instance of the type asks for on this fleet: the shape to measure by. Without a type, a vcpu and no
 * memory.
 */
export function referenceRequest(
  nodes: readonly NodeSpec[],
  type: Pick<InstanceShape, 'vcpus' | 'memoryMib' | 'diskGib'> = { vcpus: 1, memoryMib: 0, diskGib: 0 },
): ResourceAmounts {
  const { vcpus, memoryMib, diskGib } = type;
  return instanceRequest(buildFleet(nodes), { id: '', projectId: '', vcpus, memoryMib, diskGib, constraints: {} });
}

function placedOf({
  id,
  name,
  projectId,
  node,
  cpuMillis,
  memoryMib,
  diskGib,
  constraints,
}: RecordedResident): NamedInstance {
  const { drivers, nodeSelector } = constraints;
  const group = groupMembership(projectId, constraints);
  return {
    id,
    name,
    node,
    project: projectId,
    priority: 0,
    cpuMillis,
    memoryMib,
    diskGib,
    constraints: {
      ...(drivers && { drivers }),
      ...(nodeSelector && { nodeSelector }),
    },
    ...(group && { group }),
  };
}

function destinations(targets: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  const parts = [...counts].map(([target, count]) => `${count} on ${target}`);
  return `its instances would fit elsewhere: ${parts.join(', ')}`;
}

/** The first instance that has no other place when the node is emptied by itself. */
function obstacle(node: string, nodes: readonly NodeSpec[], load: readonly NamedInstance[], policy: Policy): string {
  const fleet = fleetOf(nodes, load);
  const slot = fleet.slotOf(node);
  fleet.setFlags(slot, fleet.flags[slot]! | nodeFlags.cordoned);
  for (const instance of load.filter((one) => one.node === node).sort((a, b) => b.memoryMib - a.memoryMib)) {
    fleet.release(slot, instance);
    const answer = place(fleet, instance, policy);
    if (!answer.placed) return `${instance.name} has no other place: ${answer.sentence}`;
    fleet.apply(fleet.slotOf(answer.node), instance);
  }
  return 'its instances would fit elsewhere, but only on nodes that are empty or being emptied';
}
