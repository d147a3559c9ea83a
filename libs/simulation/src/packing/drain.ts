import { nodeFlags } from '@berth/scheduling/fleet.js';
import type { FleetView } from '@berth/scheduling/fleet.js';
import { choose } from '@berth/scheduling/place.js';
import type { Policy } from '@berth/scheduling/policy.js';
import type { PlacementRequest } from '@berth/scheduling/request.js';
import type { Residents } from './residents.js';

/** No node is emptied while less than this share of the open nodes' CPU would stay free: load may rise again. */
const SLACK_MIN = 0.03;
/** A node with more instances is not worth the moves. */
const MOVES_PER_NODE_MAX = 20;

/** What emptying a node takes: the fleet, and a way to see a resident as a request. */
export interface DrainContext {
  readonly fleet: FleetView;
  readonly residents: Residents;
  readonly policy: Policy;
  readonly requestOf: (instance: number) => PlacementRequest;
  /** A node's load is about to change. */
  readonly settle: (node: number) => void;
  /** Carries out one move; the instance is booked on `to` already. */
  readonly moved: (instance: number, from: number, to: number) => void;
}

/** Empties the nodes with the fewest instances while there is slack and budget. Gives the nodes that became empty. */
export function drainFew(context: DrainContext, budget: number): number[] {
  const { fleet } = context;
  const few: number[] = [];
  let [free, total] = [0, 0];
  for (let node = 0; node < fleet.size; node++) {
    if (fleet.flags[node] !== 0) continue;
    if (fleet.residents[node]! <= MOVES_PER_NODE_MAX) few.push(node);
    free += fleet.free.cpuMillis[node]!;
    total += fleet.allocatable.cpuMillis[node]!;
  }
  if (free < SLACK_MIN * total) return [];
  few.sort((a, b) => fleet.residents[a]! - fleet.residents[b]! || a - b);
  const emptied: number[] = [];
  for (const node of few) {
    const size = fleet.allocatable.cpuMillis[node]!;
    const moves = fleet.residents[node]!;
    if (moves > budget || free - size < SLACK_MIN * total) break;
    if (!empty(context, node)) continue;
    budget -= moves;
    free -= size;
    total -= size;
    emptied.push(node);
  }
  return emptied;
}

/**
 * Moves all of a node's instances to others in use, or none: every target is booked before the first move. An emptied
 * node stays cordoned, so that the next one's instances do not land there.
 */
function empty({ fleet, residents, policy, requestOf, settle, moved }: DrainContext, from: number): boolean {
  const flags = fleet.flags[from]!;
  fleet.setFlags(from, flags | nodeFlags.cordoned);
  const leaving = [...residents.instance.subarray(residents.firstOf(from), residents.endOf(from))];
  const targets: number[] = [];
  for (const instance of leaving) {
    const request = requestOf(instance);
    const to = choose(fleet, request, policy);
    if (to < 0) break;
    settle(to);
    fleet.apply(to, request);
    targets.push(to);
  }
  const allFit = targets.length === leaving.length;
  targets.forEach((to, i) => {
    if (allFit) moved(leaving[i]!, from, to);
    else fleet.release(to, requestOf(leaving[i]!));
  });
  if (!allFit) fleet.setFlags(from, flags);
  return allFit;
}
