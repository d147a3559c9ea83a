import { nodeFlags } from './fleet.js';
import type { FleetView } from './fleet.js';
import { resourceNames } from './request.js';
import type { ResourceAmounts, ResourceName } from './request.js';

/** How well a fleet is used. Shares are 0 to 1. */
export interface Density {
  /** Powered-on nodes, and those of them that hold an instance. */
  readonly nodesOn: number;
  readonly nodesInUse: number;
  /** Allocated / allocatable of powered-on nodes. */
  readonly packingDensity: ResourceAmounts;
  /** Free on powered-on nodes that cannot take `shape` for want of another resource / allocatable. */
  readonly strandedCapacity: ResourceAmounts;
  /** Of the instances of `shape` that the free capacity would hold in one piece, the share it cannot hold as it is. */
  readonly fragmentation: number;
  /** No packing of the present load can do with fewer nodes. */
  readonly leastNodesBound: number;
}

/** The fleet's figures against one shape, such as the largest instance type in common use. */
export function density(fleet: FleetView, shape: ResourceAmounts): Density {
  const on = [...fleet.flags.keys()].filter((node) => (fleet.flags[node]! & nodeFlags.asleep) === 0);
  return {
    nodesOn: on.length,
    nodesInUse: on.filter((node) => fleet.residents[node]! > 0).length,
    packingDensity: shares(fleet, on, (resource, node) => allocatedOn(fleet, resource, node)),
    strandedCapacity: shares(fleet, on, (resource, node) => strandedOn(fleet, shape, resource, node)),
    fragmentation: fragmentation(fleet, on, shape),
    leastNodesBound: leastNodesBound(fleet),
  };
}

/**
 * Fewest nodes, largest first, whose allocatable covers what is allocated: of each resource, then the worst of them.
 */
export function leastNodesBound(fleet: FleetView): number {
  const needed = resourceNames.map((resource) => {
    let open = total(fleet.flags.keys(), (node) => allocatedOn(fleet, resource, node));
    let nodes = 0;
    for (const size of fleet.allocatable[resource].toSorted((a, b) => b - a)) {
      if (open <= 0) break;
      open -= size;
      nodes += 1;
    }
    return nodes;
  });
  return Math.max(...needed);
}

type Amount = (resource: ResourceName, node: number) => number;

function shares(fleet: FleetView, nodes: readonly number[], amount: Amount): ResourceAmounts {
  const [cpuMillis = 0, memoryMib = 0, diskGib = 0] = resourceNames.map((resource) => {
    const allocatable = total(nodes, (node) => fleet.allocatable[resource][node]!);
    return allocatable === 0 ? 0 : total(nodes, (node) => amount(resource, node)) / allocatable;
  });
  return { cpuMillis, memoryMib, diskGib };
}

function allocatedOn(fleet: FleetView, resource: ResourceName, node: number): number {
  return fleet.allocatable[resource][node]! - fleet.free[resource][node]!;
}

/** What is free of a resource that would do for the shape, on a node where the shape does not fit. */
function strandedOn(fleet: FleetView, shape: ResourceAmounts, resource: ResourceName, node: number): number {
  const free = fleet.free[resource][node]!;
  return fleet.fits(node, shape) || free < shape[resource] ? 0 : free;
}

function fragmentation(fleet: FleetView, nodes: readonly number[], shape: ResourceAmounts): number {
  const wanted = resourceNames.filter((resource) => shape[resource] > 0);
  const fitting = (freeOf: (resource: ResourceName) => number): number =>
    Math.min(...wanted.map((resource) => Math.floor(Math.max(0, freeOf(resource)) / shape[resource])));
  const inOnePiece = fitting((resource) => total(nodes, (node) => Math.max(0, fleet.free[resource][node]!)));
  const asItIs = total(nodes, (node) => fitting((resource) => fleet.free[resource][node]!));
  return inOnePiece === 0 ? 0 : 1 - asItIs / inOnePiece;
}

function total(nodes: Iterable<number>, of: (node: number) => number): number {
  let sum = 0;
  for (const node of nodes) sum += of(node);
  return sum;
}
