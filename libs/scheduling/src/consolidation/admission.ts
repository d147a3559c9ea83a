import type { Policy } from '../policy.js';
import type { ResourceAmounts } from '../request.js';
import { bookedShare } from './booked-share.js';
import type { DemandBook } from './demand-book.js';
import type { ConsolidationView } from './plan.js';
import { meanInstance, wattsPerInstance } from './power-plan.js';

/**
 * Nodes for new instances, booked on `view.fleet`; -1 for those no awake node takes. Fills nodes in use before empty
 * ones, the tightest first; what the fleet has least of decides what tight and large mean.
 */
export class Admission {
  private readonly mean: Float64Array;
  private readonly variance: Float64Array;
  private readonly emptyCost: (node: number) => number;
  /** Nodes run out of what is booked before they run out of CPU that is used. */
  private readonly isBookingScarce: boolean;

  constructor(
    private readonly view: ConsolidationView,
    private readonly book: DemandBook,
    private readonly policy: Policy,
    private readonly deviations: number,
  ) {
    const { fleet, instances } = view;
    this.mean = new Float64Array(fleet.size);
    this.variance = new Float64Array(fleet.size);
    instances.node.forEach((node, instance) => {
      if (node >= 0) this.add(instance, node);
    });
    const typical = meanInstance(view);
    this.emptyCost = (node) => wattsPerInstance(view, node, typical);
    this.isBookingScarce = Math.max(askedShare(view, 'memoryMib'), askedShare(view, 'cpuMillis')) > demandShare(view);
  }

  place(arrivals: readonly number[]): number[] {
    const { book, view } = this;
    const { requests } = view.instances;
    const size = this.isBookingScarce
      ? (i: number) => this.bookedSize(requests[i]!)
      : (i: number) => book.variance[i]! / (book.mean[i]! + 1);
    const nodes = new Map<number, number>();
    for (const instance of arrivals.toSorted((a, b) => size(b) - size(a) || a - b)) {
      const node = this.best(instance);
      if (node >= 0) {
        view.fleet.apply(node, requests[instance]!);
        this.add(instance, node);
      }
      nodes.set(instance, node);
    }
    return arrivals.map((instance) => nodes.get(instance)!);
  }

  private best(instance: number): number {
    const { fleet, instances } = this.view;
    const request = instances.requests[instance]!;
    let best = -1;
    let bestCost = Infinity;
    for (let node = 0; node < fleet.size; node++) {
      if (fleet.flags[node] !== 0) continue;
      const isUsed = fleet.residents[node]! > 0;
      const left = this.left(node, instance);
      if (isUsed && left < 0) continue;
      // Any node in use is preferred to any empty one.
      const cost = isUsed ? -1e9 + left : this.emptyCost(node);
      if (cost >= bestCost || !this.policy.filters.every((filter) => filter.admits(fleet, request, node))) continue;
      bestCost = cost;
      best = node;
    }
    return best;
  }

  /** What the node would have left of what is scarce; negative when demand would not fit. */
  private left(node: number, instance: number): number {
    const { fleet, instances } = this.view;
    const variance = this.variance[node]! + this.book.variance[instance]!;
    const needed = this.mean[node]! + this.book.mean[instance]! + this.deviations * Math.sqrt(variance);
    const cpu = fleet.capacity.cpuMillis[node]! - needed;
    if (cpu < 0 || !this.isBookingScarce) return cpu;
    return 1 - bookedShare(fleet, node, instances.requests[instance]);
  }

  /** Share of the first node it would take; nodes differ little in what they are short of. */
  private bookedSize({ cpuMillis, memoryMib }: ResourceAmounts): number {
    const { allocatable } = this.view.fleet;
    return Math.max(cpuMillis / allocatable.cpuMillis[0]!, memoryMib / allocatable.memoryMib[0]!);
  }

  private add(instance: number, node: number): void {
    this.mean[node]! += this.book.mean[instance]!;
    this.variance[node]! += this.book.variance[instance]!;
  }
}

function askedShare({ fleet, instances }: ConsolidationView, resource: 'cpuMillis' | 'memoryMib'): number {
  const asked = instances.requests.reduce((sum, request) => sum + request[resource], 0);
  return asked / fleet.allocatable[resource].reduce((sum, amount) => sum + amount, 0);
}

function demandShare({ fleet, instances }: ConsolidationView): number {
  const asked = instances.demandCpuMillis.reduce((sum, demand) => sum + demand, 0);
  return asked / fleet.capacity.cpuMillis.reduce((sum, cpuMillis) => sum + cpuMillis, 0);
}
