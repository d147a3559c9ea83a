import type { Unplaceable } from '../decision.js';
import { nodeFlags, type FleetView } from '../fleet.js';
import { choose, place } from '../place.js';
import type { Policy } from '../policy.js';
import type { Move, PlacedInstance } from '../repack.js';

export interface DrainPlan {
  /** In an order in which every state in between fits: a mover is booked on both nodes until it has arrived. */
  readonly moves: readonly Move[];
  /** Instances that fit nowhere else, and why. They stay. */
  readonly stuck: readonly Unplaceable[];
}

/**
 * Where everything on a node would go, largest first, with every constraint kept. Leaves the fleet as it was.
 * @param residents the instances on the node.
 */
export function drainPlan(
  fleet: FleetView,
  node: string,
  residents: readonly PlacedInstance[],
  policy: Policy,
): DrainPlan {
  const from = fleet.slotOf(node);
  const flags = fleet.flags[from]!;
  const moves: Move[] = [];
  const stuck: Unplaceable[] = [];
  const booked: { instance: PlacedInstance; to: number }[] = [];
  fleet.setFlags(from, flags | nodeFlags.cordoned);
  for (const instance of largestFirst(residents)) {
    // Its own place does not count against its group's spread: it leaves it.
    fleet.release(from, instance);
    const to = choose(fleet, instance, policy);
    if (to < 0) {
      const decision = place(fleet, instance, policy);
      if (!decision.placed) stuck.push(decision);
    } else {
      fleet.apply(to, instance);
      booked.push({ instance, to });
      moves.push({ instance: instance.id, to: fleet.names.nameOf(to) });
    }
    fleet.adopt(from, instance);
  }
  for (const { instance, to } of booked) fleet.release(to, instance);
  fleet.setFlags(from, flags);
  return { moves, stuck };
}

function largestFirst(instances: readonly PlacedInstance[]): PlacedInstance[] {
  return instances.toSorted(
    (a, b) => b.priority - a.priority || b.memoryMib - a.memoryMib || b.cpuMillis - a.cpuMillis,
  );
}
