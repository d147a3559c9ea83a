import { LANES, laneOf } from './capacity-index.js';
import type { FleetView } from './fleet.js';
import type { NodeSize } from './kinds.js';
import type { ResourceAmounts } from './request.js';

/**
 * A node as a scorer sees it, with the request already on it. Shares are of allocatable, 0 to 1, to a bucket's width.
 */
export interface Prospect {
  cpuLeft: number;
  memoryLeft: number;
  cpuAsked: number;
  memoryAsked: number;
  /** Whether instances are there already. */
  inUse: boolean;
  /** How long the node is expected to stay in use: 0 (soon empty) to 1. */
  stay: number;
  /** Watts per CPU of the fleet's most frugal kind of node / of this one; 1 when unknown. */
  frugality: number;
}

export function newProspect(): Prospect {
  return { cpuLeft: 0, memoryLeft: 0, cpuAsked: 0, memoryAsked: 0, inUse: false, stay: 0, frugality: 1 };
}

/** Sets what nodes of one lane share. */
export function setLane(prospect: Prospect, lane: number): void {
  prospect.inUse = lane > 0;
  prospect.stay = lane > 0 ? (lane - 1) / (LANES - 2) : 0;
}

/** Sets what nodes of one size and lane share, whatever is asked. */
export function setNode(prospect: Prospect, fleet: FleetView, size: NodeSize, lane: number): void {
  setLane(prospect, lane);
  prospect.frugality = size.wattsPerCpu > 0 ? fleet.kinds.leastWattsPerCpu / size.wattsPerCpu : 1;
}

export function setAsked(prospect: Prospect, asked: ResourceAmounts, size: NodeSize): void {
  prospect.cpuAsked = asked.cpuMillis * size.sharePerCpuMilli;
  prospect.memoryAsked = asked.memoryMib * size.sharePerMemoryMib;
}

/** Sets what is left in a bucket; within the first bucket that could do, as little as nothing. */
export function setColumn(prospect: Prospect, asked: ResourceAmounts, size: NodeSize, column: number): void {
  const left = column * size.grid.cpuMillisPerColumn - asked.cpuMillis;
  prospect.cpuLeft = left > 0 ? left * size.sharePerCpuMilli : 0;
}

export function setRow(prospect: Prospect, asked: ResourceAmounts, size: NodeSize, row: number): void {
  const left = row * size.grid.memoryMibPerRow - asked.memoryMib;
  prospect.memoryLeft = left > 0 ? left * size.sharePerMemoryMib : 0;
}

/** The prospect of one node. */
export function prospectOf(fleet: FleetView, asked: ResourceAmounts, node: number): Prospect {
  const { size } = fleet.kinds.at(fleet.kind[node]!);
  const prospect = newProspect();
  setNode(prospect, fleet, size, laneOf(fleet, node));
  setAsked(prospect, asked, size);
  setColumn(prospect, asked, size, Math.floor(fleet.free.cpuMillis[node]! / size.grid.cpuMillisPerColumn));
  setRow(prospect, asked, size, Math.floor(fleet.free.memoryMib[node]! / size.grid.memoryMibPerRow));
  return prospect;
}
