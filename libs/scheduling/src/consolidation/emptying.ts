import type { DemandBook } from './demand-book.js';
import type { Mover } from './mover.js';
import type { NodeLoads } from './node-loads.js';
import type { PlannedMove } from './plan.js';

/**
 * Moves everything off one node, if the others' risk then stays within what is allowed: the node of the least load
 * that may be emptied. Returns it, or undefined when nothing was changed.
 */
export function emptyOne(
  loads: NodeLoads,
  book: DemandBook,
  mover: Mover,
  isAllowed: (meanRisk: number) => boolean,
): number | undefined {
  const source = candidateOf(loads, mover);
  if (source === undefined) return undefined;
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
    return source;
  }
  for (const move of moves) mover.takeBack(move);
  mover.reopen(source);
  return undefined;
}

/** Least loaded of the nodes whose instances may all leave and whose number the budget covers. */
function candidateOf(loads: NodeLoads, mover: Mover): number | undefined {
  let least: number | undefined;
  for (const node of loads.used) {
    if (least !== undefined && loads.mean[node]! >= loads.mean[least]!) continue;
    const instances = loads.instances[node]!;
    if (instances.length <= mover.left && instances.every((instance) => mover.mayLeave(instance))) least = node;
  }
  return least;
}

function leastRisk(loads: NodeLoads, mover: Mover, instance: number, targets: readonly number[]): number | undefined {
  let best: number | undefined;
  let bestAdded = Infinity;
  for (const node of targets) {
    const added = loads.riskWith(node, instance, 1) - loads.riskOf(node);
    if (added >= bestAdded || !mover.mayGoTo(instance, node)) continue;
    bestAdded = added;
    best = node;
  }
  return best;
}
