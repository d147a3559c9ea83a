import type { DemandBook } from './demand-book.js';
import type { Mover } from './mover.js';
import type { NodeLoads } from './node-loads.js';

/** A woken node is filled to this share of the others' mean load, and of its capacity. */
export const FILL_SHARE = 0.7;

/** Brings load to a node that was woken for it: from the fullest node each time, most demand per moved byte first. */
export function fill(loads: NodeLoads, book: DemandBook, mover: Mover, node: number): void {
  const others = loads.used.filter((other) => other !== node);
  const mean = others.reduce((sum, other) => sum + share(loads, other), 0) / Math.max(1, others.length);
  const goal = FILL_SHARE * Math.min(1, mean);
  const stuck = new Set<number>();
  while (share(loads, node) < goal) {
    const from = fullest(loads, others, stuck);
    if (from === undefined) return;
    const instance = handiest(loads, book, mover, from, node);
    if (instance === undefined) stuck.add(from);
    else if (!mover.make({ instance, from, to: node, reason: 'fill' })) return;
  }
}

function share(loads: NodeLoads, node: number): number {
  return Math.max(loads.mean[node]!, loads.present[node]!) / loads.capacityOf(node);
}

function fullest(loads: NodeLoads, nodes: readonly number[], stuck: ReadonlySet<number>): number | undefined {
  let best: number | undefined;
  for (const node of nodes) {
    if (!stuck.has(node) && (best === undefined || share(loads, node) > share(loads, best))) best = node;
  }
  return best;
}

function handiest(loads: NodeLoads, book: DemandBook, mover: Mover, from: number, to: number): number | undefined {
  const { requests } = loads.view.instances;
  let best: number | undefined;
  let bestWorth = 0;
  for (const instance of loads.instances[from]!) {
    const worth = book.mean[instance]! / (requests[instance]!.memoryMib + SMALL_MOVE_MIB);
    if (worth <= bestWorth || !mover.mayLeave(instance) || !mover.mayGoTo(instance, to)) continue;
    bestWorth = worth;
    best = instance;
  }
  return best;
}

/** Below this size another byte hardly makes a move longer. */
const SMALL_MOVE_MIB = 300;
