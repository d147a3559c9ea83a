import type { DemandBook } from './demand-book.js';
import type { ConsolidationView } from './plan.js';
import { loadRisk } from './risk.js';

/** Of nodes that carry nothing, most of the fleet: loads are taken too often to make a list for each. */
const NONE: number[] = [];

/** Loads of all nodes as a plan under way would leave them. */
export class NodeLoads {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Demand now. */
  readonly present: Float64Array;
  readonly instances: number[][];
  /** Nodes that carry something. */
  readonly used: number[] = [];

  constructor(
    readonly view: ConsolidationView,
    private readonly book: DemandBook,
    private readonly shortfallWeight: number,
  ) {
    const { size } = view.fleet;
    this.mean = new Float64Array(size);
    this.variance = new Float64Array(size);
    this.present = new Float64Array(size);
    this.instances = Array.from({ length: size }, () => NONE);
    view.instances.node.forEach((node, instance) => {
      if (node >= 0) this.add(instance, node, 1);
    });
    for (let node = 0; node < size; node++) if (this.instances[node]!.length > 0) this.used.push(node);
  }

  capacityOf(node: number): number {
    return this.view.fleet.capacity.cpuMillis[node]!;
  }

  riskOf(node: number): number {
    return this.riskAt(node, 0, 0);
  }

  /** Risk of a node with one instance more (`sign` 1) or less (-1). */
  riskWith(node: number, instance: number, sign: 1 | -1): number {
    return this.riskAt(node, sign * this.book.mean[instance]!, sign * this.book.variance[instance]!);
  }

  /** By how much a move would raise the sum of all nodes' deviations; bursty instances kept together lower it. */
  spreadOf(instance: number, from: number, to: number): number {
    const variance = this.book.variance[instance]!;
    const without = Math.max(0, this.variance[from]! - variance);
    const gained = Math.sqrt(this.variance[to]! + variance) - Math.sqrt(this.variance[to]!);
    return gained - (Math.sqrt(without + variance) - Math.sqrt(without));
  }

  meanRisk(nodes: readonly number[]): number {
    if (nodes.length === 0) return 0;
    return nodes.reduce((total, node) => total + this.riskOf(node), 0) / nodes.length;
  }

  move(instance: number, from: number, to: number): void {
    this.add(instance, from, -1);
    this.add(instance, to, 1);
  }

  private riskAt(node: number, mean: number, variance: number): number {
    return loadRisk(
      this.capacityOf(node),
      this.mean[node]! + mean,
      this.variance[node]! + variance,
      this.shortfallWeight,
    );
  }

  private add(instance: number, node: number, sign: 1 | -1): void {
    this.mean[node]! += sign * this.book.mean[instance]!;
    this.variance[node]! += sign * this.book.variance[instance]!;
    this.present[node]! += sign * this.view.instances.demandCpuMillis[instance]!;
    const list = this.instances[node]!;
    if (list === NONE) this.instances[node] = [instance];
    else if (sign > 0) list.push(instance);
    else list.splice(list.indexOf(instance), 1);
  }
}
