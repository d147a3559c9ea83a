import type { NodeLoads } from './node-loads.js';
import type { PlannedMove } from './plan.js';
import type { Mover } from './mover.js';

/** When a node is relieved, and how far; shares of its capacity. */
export interface ReliefRules {
  /** Down to this, when one instance can do it. */
  readonly downToShare: number;
  /** A target's present demand may reach this. */
  readonly targetShare: number;
  /**
   * What a move is judged by: change of both nodes' risk, what it leaves undone, how full its target gets, RAM, and
   * by how much it spreads bursty instances over more nodes.
   */
  readonly riskWeight: number;
  readonly remainderWeight: number;
  readonly balanceWeight: number;
  readonly slownessWeight: number;
  readonly spreadWeight: number;
}

const SLOW_MEMORY_MIB = 1740;

/** Of a large fleet only so many nodes, the least busy now, are looked at as targets. */
const TARGETS = 64;
/** Moves away from one node in one round. */
const MOVES_PER_NODE = 6;
/** Instances that relieve less than half of what is needed, and less than this, are not worth their move. */
const LEAST_RELIEF_CPU_MILLIS = 150;

/**
 * Nodes in overload give away what relieves them now and is missed least where it goes, worst node first. Demand
 * falls back to its mean: a node whose demand passes its capacity by little, beside what is free on average, will be
 * out of overload by itself soon. `patience` is how much that is, as a share of what is free on average.
 */
export function relieve(loads: NodeLoads, mover: Mover, rules: ReliefRules, patience: number): void {
  const busyness = (node: number) => loads.present[node]! / loads.capacityOf(node);
  const isHot = (node: number) =>
    busyness(node) > 1 + patience * Math.max(0, 1 - loads.mean[node]! / loads.capacityOf(node));
  const hot = loads.used.filter(isHot).sort((a, b) => busyness(b) - busyness(a));
  if (hot.length === 0) return;
  const targets = leastBusy(loads, busyness);
  for (const node of hot) {
    for (let i = 0; i < MOVES_PER_NODE && isHot(node); i++) {
      const move = bestRelief(loads, mover, rules, node, targets);
      if (move === undefined || !mover.make(move)) break;
    }
  }
}

function leastBusy(loads: NodeLoads, busyness: (node: number) => number): readonly number[] {
  if (loads.used.length <= TARGETS) return loads.used;
  return loads.used.toSorted((a, b) => busyness(a) - busyness(b)).slice(0, TARGETS);
}

function bestRelief(
  loads: NodeLoads,
  mover: Mover,
  rules: ReliefRules,
  from: number,
  targets: readonly number[],
): PlannedMove | undefined {
  const { requests, demandCpuMillis } = loads.view.instances;
  const capacity = loads.capacityOf(from);
  const needed = loads.present[from]! - rules.downToShare * capacity;
  const risk = loads.riskOf(from);
  let best: PlannedMove | undefined;
  let bestCost = Infinity;
  for (const instance of loads.instances[from]!) {
    const demand = demandCpuMillis[instance]!;
    if (demand < Math.min(needed / 2, LEAST_RELIEF_CPU_MILLIS) || !mover.mayLeave(instance)) continue;
    const cost =
      (rules.slownessWeight * requests[instance]!.memoryMib) / SLOW_MEMORY_MIB +
      (rules.remainderWeight * Math.max(0, needed - demand)) / capacity -
      rules.riskWeight * (risk - loads.riskWith(from, instance, -1));
    for (const to of targets) {
      const share = (loads.present[to]! + demand) / loads.capacityOf(to);
      if (to === from || share > rules.targetShare) continue;
      const added =
        rules.riskWeight * (loads.riskWith(to, instance, 1) - loads.riskOf(to)) +
        rules.balanceWeight * share +
        (rules.spreadWeight * loads.spreadOf(instance, from, to)) / loads.capacityOf(to);
      if (cost + added >= bestCost || !mover.mayGoTo(instance, to)) continue;
      bestCost = cost + added;
      best = { instance, from, to, reason: 'overload' };
    }
  }
  return best;
}
