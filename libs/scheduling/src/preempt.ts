import type { FleetView } from './fleet.js';
import { admits } from './place.js';
import type { Policy } from './policy.js';
import type { PlacedInstance } from './repack.js';
import type { PlacementRequest } from './request.js';

/** Where a request would fit, and which instances of lower priority would have to go first. */
export interface Preemption {
  readonly node: string;
  readonly evict: readonly string[];
}

/**
 * The cheapest way to make room: of all nodes the one where the highest priority evicted is lowest, then where the
 * fewest go. On each node the lowest priorities go first, and whoever turns out not to be in the way stays. Decides
 * only; `fleet` is as it was afterwards. `undefined` when evicting every lower priority would not help.
 */
export function planPreemption(
  fleet: FleetView,
  instances: readonly PlacedInstance[],
  request: PlacementRequest,
  policy: Policy,
): Preemption | undefined {
  const lower = new Map<number, PlacedInstance[]>();
  for (const instance of instances) {
    if (instance.priority >= request.priority) continue;
    const node = fleet.slotOf(instance.node);
    lower.set(node, [...(lower.get(node) ?? []), instance]);
  }
  let best: { node: number; victims: PlacedInstance[] } | undefined;
  for (const [node, residents] of lower) {
    const victims = victimsOn(fleet, node, residents, (here) => admits(fleet, request, policy, here));
    if (victims && (best === undefined || cheaper(victims, best.victims))) best = { node, victims };
  }
  return best && { node: fleet.names.nameOf(best.node), evict: best.victims.map(({ id }) => id) };
}

function victimsOn(
  fleet: FleetView,
  node: number,
  residents: readonly PlacedInstance[],
  fits: (node: number) => boolean,
): PlacedInstance[] | undefined {
  const order = residents.toSorted((a, b) => a.priority - b.priority || b.memoryMib - a.memoryMib);
  const gone: PlacedInstance[] = [];
  for (const instance of order) {
    if (fits(node)) break;
    fleet.release(node, instance);
    gone.push(instance);
  }
  const enough = fits(node);
  const victims: PlacedInstance[] = [];
  // The dearest first: whoever fits back beside the request stays.
  for (const instance of gone.toReversed()) {
    fleet.adopt(node, instance);
    if (enough && fits(node)) continue;
    fleet.release(node, instance);
    victims.push(instance);
  }
  for (const instance of victims) fleet.adopt(node, instance);
  return enough ? victims : undefined;
}

function cheaper(a: readonly PlacedInstance[], b: readonly PlacedInstance[]): boolean {
  const highest = (victims: readonly PlacedInstance[]): number => Math.max(...victims.map(({ priority }) => priority));
  return highest(a) - highest(b) < 0 || (highest(a) === highest(b) && a.length < b.length);
}
