import { nodeFlags } from '../fleet.js';
import type { ConsolidationView } from './plan.js';

/** A node is judged by what it draws when this share of its CPU is used. */
const FULL_SHARE = 0.9;

/** Awake nodes that carry nothing and expect nothing, beyond the reserve: they may sleep. Dearest idle power first. */
export function nodesToSleep({ fleet, power }: ConsolidationView, reserveNodes: number): number[] {
  const empty: number[] = [];
  for (let node = 0; node < fleet.size; node++) {
    if (fleet.flags[node] === 0 && fleet.residents[node] === 0) empty.push(node);
  }
  empty.sort((a, b) => power.idleWatts[b]! - power.idleWatts[a]! || b - a);
  return empty.slice(0, Math.max(0, empty.length - reserveNodes));
}

/** So many sleeping nodes, the cheapest first; fewer when no more sleep. */
export function nodesToWake(view: ConsolidationView, count: number): number[] {
  const nodes: number[] = [];
  while (nodes.length < count) {
    const node = nodeToWake(view, nodes);
    if (node === undefined) break;
    nodes.push(node);
  }
  return nodes;
}

/** The sleeping node that carries instances of the mean size at the least watts for each, of those not taken yet. */
export function nodeToWake(view: ConsolidationView, taken: readonly number[] = []): number | undefined {
  const { fleet, starting } = view;
  const typical = meanInstance(view);
  let best: number | undefined;
  let bestWatts = Infinity;
  for (let node = 0; node < fleet.size; node++) {
    if (fleet.flags[node] !== nodeFlags.asleep || starting[node] === 1 || taken.includes(node)) continue;
    const watts = wattsPerInstance(view, node, typical);
    if (watts >= bestWatts) continue;
    bestWatts = watts;
    best = node;
  }
  return best;
}

/** What instances ask for on average. */
export interface MeanInstance {
  readonly demandCpuMillis: number;
  readonly memoryMib: number;
}

export function meanInstance({ instances }: ConsolidationView): MeanInstance {
  const count = Math.max(1, instances.requests.length);
  const demand = instances.demandCpuMillis.reduce((sum, cpuMillis) => sum + cpuMillis, 0);
  const memory = instances.requests.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
  return { demandCpuMillis: demand / count, memoryMib: memory / count };
}

/**
 * Watts for each instance on a node that carries as many as fit. Where memory runs out first the node with the
 * least idle power wins, else the one with the cheapest CPU.
 */
export function wattsPerInstance({ fleet, power }: ConsolidationView, node: number, mean: MeanInstance): number {
  const cpu = fleet.capacity.cpuMillis[node]!;
  const byCpu = (FULL_SHARE * cpu) / Math.max(1, mean.demandCpuMillis);
  const byMemory = fleet.allocatable.memoryMib[node]! / Math.max(1, mean.memoryMib);
  const count = Math.max(1, Math.min(byCpu, byMemory));
  const load = Math.min(1, (count * mean.demandCpuMillis) / cpu);
  return (power.idleWatts[node]! + (power.peakWatts[node]! - power.idleWatts[node]!) * load) / count;
}
