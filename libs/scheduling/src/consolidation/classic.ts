import type { Policy } from '../policy.js';
import { Admission } from './admission.js';
import { DemandBook } from './demand-book.js';
import { DemandHistory } from './demand-history.js';
import type { Detector } from './detection.js';
import { MoveGuard } from './move-guard.js';
import { Mover } from './mover.js';
import { NodeLoads } from './node-loads.js';
import type { ConsolidationPlan, ConsolidationView, Consolidator, PlannedMove } from './plan.js';
import { nodesToSleep, nodesToWake, nodeToWake } from './power-plan.js';
import type { Selector } from './selection.js';

const HISTORY_DEPTH = 30;
/** A woken node is to take instances that ask for this share of it; they move once it has started. */
const WOKEN_SHARE = 0.7;
/** The literature knows no limits on moves. */
const UNLIMITED = { perRound: Infinity, perInstanceDay: Infinity, cooldownS: 0, noReturnS: 0 };

/**
 * The consolidation of the literature, under the same rules as ours: overloaded nodes give away selected instances,
 * the least utilized nodes are emptied, every instance goes where it raises power least (power-aware best fit
 * decreasing). A sleeping node is woken for instances that fit nowhere else, or wait.
 */
export class ClassicConsolidator implements Consolidator {
  private readonly book = new DemandBook({ meanGain: 1, driftGain: 0, varianceGain: 0.05, priorWeight: 4 });
  private readonly history = new DemandHistory(HISTORY_DEPTH);
  private readonly guard = new MoveGuard(UNLIMITED);
  private readonly summed = new Float64Array(HISTORY_DEPTH);

  constructor(
    readonly name: string,
    private readonly detect: Detector,
    private readonly select: Selector,
    private readonly policy: Policy,
  ) {}

  admit(view: ConsolidationView, arrivals: readonly number[]): number[] {
    for (const instance of arrivals) {
      const { cpuMillis } = view.instances.requests[instance]!;
      this.book.open(instance, view.nowS, view.instances.demandCpuMillis[instance]!, cpuMillis);
    }
    return new Admission(view, this.book, this.policy, 1).place(arrivals);
  }

  decide(view: ConsolidationView): ConsolidationPlan {
    this.book.read(view.nowS, view.instances.node, view.instances.demandCpuMillis);
    this.history.read(view.instances.node, view.instances.demandCpuMillis);
    this.guard.startRound();
    const loads = new NodeLoads(view, this.book, 0);
    const mover = new Mover(view, loads, this.policy, this.guard);
    const overloaded = new Set(loads.used.filter((node) => this.isOverloaded(loads, node)));
    const wake = this.relieve(view, loads, mover, overloaded);
    this.emptyLeastUtilized(view, loads, mover, overloaded);
    return { moves: mover.moves, wake, sleep: nodesToSleep(view, 0) };
  }

  private relieve(view: ConsolidationView, loads: NodeLoads, mover: Mover, overloaded: Set<number>): number[] {
    let homeless = 0;
    const awake = [...view.fleet.flags.keys()].filter((node) => view.fleet.flags[node] === 0);
    const leaving: { instance: number; from: number }[] = [];
    for (const from of overloaded) {
      const without = new Set<number>();
      while (this.isOverloaded(loads, from, undefined, without)) {
        const candidates = loads.instances[from]!.filter((i) => !without.has(i) && mover.mayLeave(i));
        if (candidates.length === 0) break;
        const instance = this.select(view, this.history, candidates);
        without.add(instance);
        leaving.push({ instance, from });
      }
    }
    for (const { instance, from } of this.largestFirst(view, leaving)) {
      const to = this.leastPower(loads, mover, instance, overloaded, awake);
      if (to !== undefined) mover.make({ instance, from, to, reason: 'overload' });
      else homeless += view.instances.demandCpuMillis[instance]!;
    }
    const wake = view.waiting > 0 && !view.starting.includes(1) ? nodesToWake(view, 1) : [];
    while (homeless > 0) {
      const node = nodeToWake(view, wake);
      if (node === undefined) break;
      wake.push(node);
      homeless -= WOKEN_SHARE * loads.capacityOf(node);
    }
    return wake;
  }

  private emptyLeastUtilized(view: ConsolidationView, loads: NodeLoads, mover: Mover, overloaded: Set<number>): void {
    const sources = loads.used
      .filter((node) => !overloaded.has(node) && loads.instances[node]!.every((i) => mover.mayLeave(i)))
      .sort((a, b) => loads.present[a]! / loads.capacityOf(a) - loads.present[b]! / loads.capacityOf(b));
    const targets = new Set<number>();
    const closed = new Set(overloaded);
    for (const from of sources) {
      if (targets.has(from)) continue;
      closed.add(from);
      const moves: PlannedMove[] = [];
      const leaving = loads.instances[from]!.map((instance) => ({ instance, from }));
      for (const { instance } of this.largestFirst(view, leaving)) {
        const to = this.leastPower(loads, mover, instance, closed, loads.used);
        if (to === undefined) break;
        moves.push({ instance, from, to, reason: 'drain' });
        mover.book(moves.at(-1)!);
      }
      if (loads.instances[from]!.length === 0) {
        mover.commit(moves);
        for (const { to } of moves) targets.add(to);
      } else for (const move of moves) mover.takeBack(move);
    }
  }

  private leastPower(
    loads: NodeLoads,
    mover: Mover,
    instance: number,
    closed: ReadonlySet<number>,
    nodes: readonly number[],
  ): number | undefined {
    const { instances, power } = loads.view;
    const demand = instances.demandCpuMillis[instance]!;
    let best: number | undefined;
    let bestIncrease = Infinity;
    for (const node of nodes) {
      const capacity = loads.capacityOf(node);
      if (closed.has(node) || loads.present[node]! + demand > capacity) continue;
      const increase = ((power.peakWatts[node]! - power.idleWatts[node]!) * demand) / capacity;
      if (increase >= bestIncrease || !mover.mayGoTo(instance, node)) continue;
      if (this.isOverloaded(loads, node, instance)) continue;
      bestIncrease = increase;
      best = node;
    }
    return best;
  }

  private isOverloaded(loads: NodeLoads, node: number, extra?: number, without?: ReadonlySet<number>): boolean {
    const capacity = loads.capacityOf(node);
    const { demandCpuMillis } = loads.view.instances;
    this.summed.fill(0);
    let length = 0;
    let share = 0;
    const add = (instance: number) => {
      if (without?.has(instance) === true) return;
      const history = this.history.of(instance);
      length = Math.max(length, history.length);
      share += demandCpuMillis[instance]! / capacity;
      for (let i = 0; i < history.length; i++) this.summed[i]! += history[i]! / capacity;
    };
    for (const instance of loads.instances[node]!) add(instance);
    if (extra !== undefined) add(extra);
    return this.detect({ share, history: this.summed, length });
  }

  private largestFirst<T extends { instance: number }>({ instances }: ConsolidationView, items: readonly T[]): T[] {
    const { demandCpuMillis } = instances;
    return items.toSorted((a, b) => demandCpuMillis[b.instance]! - demandCpuMillis[a.instance]!);
  }
}
