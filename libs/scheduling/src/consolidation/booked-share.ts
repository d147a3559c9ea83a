import type { FleetView } from '../fleet.js';
import type { ResourceAmounts } from '../request.js';

/** How much of a node is booked, by the resource of which least is left; with one more instance when given. */
export function bookedShare({ free, allocatable }: FleetView, node: number, extra?: ResourceAmounts): number {
  const cpu = free.cpuMillis[node]! - (extra?.cpuMillis ?? 0);
  const memory = free.memoryMib[node]! - (extra?.memoryMib ?? 0);
  return 1 - Math.min(cpu / allocatable.cpuMillis[node]!, memory / allocatable.memoryMib[node]!);
}
