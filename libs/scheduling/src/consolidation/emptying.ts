import { bookedShare } from './booked-share.js';
import type { DemandBook } from './demand-book.js';
import type { Mover } from './mover.js';
import type { NodeLoads } from './node-loads.js';
import type { PlannedMove } from './plan.js';

/** Nodes tried in one round. */
const ATTEMPTS = 6;

/**
 * Moves everything off one node, the cheapest that can be emptied, if the others' risk then stays within what is
 * allowed. Says whether it did.
 */
export function emptyOne(
  loads: NodeLoads,
  book: DemandBook,
  mover: Mover,
  isAllowed: (meanRisk: number) => boolean,
): boolean {
  return candidates(loads, mover).some((source) => empty(source, loads, book, mover, isAllowed));
}

function empty(
  source: number,
  loads: NodeLoads,
  book: DemandBook,
  mover: Mover,
  isAllowed: (meanRisk: number) => boolean,
): boolean {
  const targets = loads.used.filter((node) => node !== source);
  const moves: PlannedMove[] = [];
  const largestFirst = loads.instances[source]!.toSorted((a, b) => book.mean[b]! - book.mean[a]!);
  mover.close(source);
  for (const instance of largestFirst) {
    const to = leastRisk(loads, mover, instance, targets);
    if (to === undefined) break;
    const move: PlannedMove = { instance, from: source, to, reason: 'drain' };
    mover.book(move);
    moves.push(move);
  }
  if (loads.instances[source]!.length === 0 && isAllowed(loads.meanRisk(targets))) {
    mover.commit(moves);
    return true;
  }
  for (const move of moves) mover.takeBack(move);
  mover.reopen(source);
  return false;
}

/** Nodes whose instances may all leave and whose number the budget covers: little load in few moves comes first. */
function candidates(loads: NodeLoads, mover: Mover): number[] {
  const { fleet } = loads.view;
  const load = (node: number) => Math.max(loads.mean[node]! / loads.capacityOf(node), bookedShare(fleet, node));
  const cost = (node: number) => load(node) * loads.instances[node]!.length;
  return loads.used
    .filter((node) => loads.instances[node]!.length <= mover.left)
    .filter((node) => loads.instances[node]!.every((instance) => mover.mayLeave(instance)))
    .sort((a, b) => cost(a) - cost(b))
    .slice(0, ATTEMPTS);
}

/** Of nodes that are all safe, the fullest: the others are then easier to empty. */
function leastRisk(loads: NodeLoads, mover: Mover, instance: number, targets: readonly number[]): number | undefined {
  let best: number | undefined;
  let bestCost = Infinity;
  for (const node of targets) {
    const added = loads.riskWith(node, instance, 1) - loads.riskOf(node);
    const cost = added - FULLNESS_WEIGHT * bookedShare(loads.view.fleet, node);
    if (cost >= bestCost || !mover.mayGoTo(instance, node)) continue;
    bestCost = cost;
    best = node;
  }
  return best;
}

/** Small beside any risk that matters. */
const FULLNESS_WEIGHT = 1e-4;
