import { LANES, laneOf } from './capacity-index.js';
import type { FleetView } from './fleet.js';
import type { Kind } from './kinds.js';
import type { PlacementRequest } from './request.js';

/** A node as a scorer sees it, with the request already on it. Shares are of allocatable, 0 to 1, to a bucket's width. */
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

/** Sets what nodes of one kind and lane share, whatever is asked. */
export function setNode(prospect: Prospect, fleet: FleetView, kind: Kind, lane: number): void {
  setLane(prospect, lane);
  prospect.frugality = kind.wattsPerCpu > 0 ? fleet.kinds.leastWattsPerCpu / kind.wattsPerCpu : 1;
}

export function setAsked(prospect: Prospect, request: PlacementRequest, kind: Kind): void {
  prospect.cpuAsked = request.cpuMillis * kind.sharePerCpuMilli;
  prospect.memoryAsked = request.memoryMib * kind.sharePerMemoryMib;
}

/** Sets what is left in a bucket; within the first bucket that could do, as little as nothing. */
export function setColumn(prospect: Prospect, request: PlacementRequest, kind: Kind, column: number): void {
  const left = column * kind.grid.cpuMillisPerColumn - request.cpuMillis;
  prospect.cpuLeft = left > 0 ? left * kind.sharePerCpuMilli : 0;
}

export function setRow(prospect: Prospect, request: PlacementRequest, kind: Kind, row: number): void {
  const left = row * kind.grid.memoryMibPerRow - request.memoryMib;
  prospect.memoryLeft = left > 0 ? left * kind.sharePerMemoryMib : 0;
}

/** The prospect of one node. */
export function prospectOf(fleet: FleetView, request: PlacementRequest, node: number): Prospect {
  const kind = fleet.kinds.at(fleet.kind[node]!);
  const prospect = newProspect();
  setNode(prospect, fleet, kind, laneOf(fleet, node));
  setAsked(prospect, request, kind);
  setColumn(prospect, request, kind, Math.floor(fleet.free.cpuMillis[node]! / kind.grid.cpuMillisPerColumn));
  setRow(prospect, request, kind, Math.floor(fleet.free.memoryMib[node]! / kind.grid.memoryMibPerRow));
  return prospect;
}
