import type { FleetView } from './fleet.js';
import type { PlacementRequest } from './request.js';

/** How good is that node for this request? 0 (worst) to 1 (best), judged as if the request were already there. */
export interface Scorer {
  readonly name: string;
  score(fleet: FleetView, request: PlacementRequest, node: number): number;
}

/** Free CPU that would be left, as a share of allocatable. */
export function cpuShareLeft(fleet: FleetView, request: PlacementRequest, node: number): number {
  return (fleet.free.cpuMillis[node]! - request.cpuMillis) / fleet.allocatable.cpuMillis[node]!;
}

/** Free memory that would be left, as a share of allocatable. */
export function memoryShareLeft(fleet: FleetView, request: PlacementRequest, node: number): number {
  return (fleet.free.memoryMib[node]! - request.memoryMib) / fleet.allocatable.memoryMib[node]!;
}
