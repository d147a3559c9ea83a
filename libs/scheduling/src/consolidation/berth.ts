import type { Policy } from '../policy.js';
import { Admission } from './admission.js';
import { DemandBook, type ForecastRates } from './demand-book.js';
import { emptyOne } from './emptying.js';
import { ErrorBudget, type ServiceObjective } from './error-budget.js';
import { fill, FILL_SHARE } from './filling.js';
import { MoveGuard } from './move-guard.js';
import { MovePace, type MovePaceRules } from './move-pace.js';
import { Mover } from './mover.js';
import { NodeLoads } from './node-loads.js';
import type { ConsolidationPlan, ConsolidationView, Consolidator, MoveBudget } from './plan.js';
import { nodesToSleep, nodesToWake } from './power-plan.js';
import { relieve, type ReliefRules } from './relief.js';

export interface BerthRules {
  readonly name: string;
  /** Demand is read, and overload relieved, this often. */
  readonly readEveryS: number;
  /** Forecasts learn, and nodes are woken and emptied, at the first reading after so long. */
  readonly planEveryS: number;
  readonly objective: ServiceObjective;
  readonly forecast: ForecastRates;
  readonly relief: ReliefRules;
  readonly budget: MoveBudget;
  readonly pace: MovePaceRules;
  /** Weight of missing CPU against time in overload. */
  readonly shortfallWeight: number;
  /** A node is woken when the expected overload passes the allowed by this factor: hysteresis against emptying. */
  readonly wakeFactor: number;
  /** At least so long between two nodes emptied, and between waking one and the next step of either kind. */
  readonly emptyEveryS: number;
  readonly wakeRestS: number;
  /** Realized per predicted overload, until it is learnt. */
  readonly priorRatio: number;
  /** New instances go where mean demand plus so many deviations fit. */
  readonly admissionDeviations: number;
  /** Awake nodes kept empty for what may come. */
  readonly reserveNodes: number;
}

const PRIOR_WEIGHT_S = 150;
/** With so small a part of the allowed overload to expect, the next node is emptied without a rest. */
const AMPLE_SHARE = 0.2;

/**
 * Keeps as few nodes awake as the service objective allows. Each reading relieves nodes in overload. Rounds of
 * planning, which are rarer, also wake a node, fill one that was woken, or empty one, by what the error budget expects
 * and allows.
 */
export class BerthConsolidator implements Consolidator {
  readonly name: string;
  private readonly book: DemandBook;
  private readonly errorBudget: ErrorBudget;
  private readonly guard: MoveGuard;
  private readonly pace: MovePace;
  private predictedRisk = 0;
  private plannedS = Number.NEGATIVE_INFINITY;
  private emptiedS = Number.NEGATIVE_INFINITY;
  private wokenS = Number.NEGATIVE_INFINITY;
  private readonly woken = new Set<number>();

  constructor(
    private readonly rules: BerthRules,
    private readonly policy: Policy,
  ) {
    this.name = rules.name;
    this.book = new DemandBook(rules.forecast);
    this.errorBudget = new ErrorBudget(rules.objective, rules.priorRatio, PRIOR_WEIGHT_S);
    this.guard = new MoveGuard(rules.budget);
    this.pace = new MovePace(rules.pace);
  }

  decide(view: ConsolidationView): ConsolidationPlan {
    const { book, rules, guard } = this;
    const isPlanning = view.nowS - this.plannedS >= rules.planEveryS;
    if (isPlanning) book.read(view.nowS, view.instances.node, view.instances.demandCpuMillis);
    guard.startRound();
    const loads = new NodeLoads(view, book, rules.shortfallWeight);
    const mover = new Mover(view, loads, this.policy, guard);
    if (isPlanning) return this.plan(view, loads, mover);
    this.relieve(view, loads, mover);
    return { moves: mover.moves, wake: [], sleep: [] };
  }

  admit(view: ConsolidationView, arrivals: readonly number[]): number[] {
    const { instances, nowS } = view;
    const typicalShare = demandPerRequest(view, arrivals);
    for (const instance of arrivals) {
      const demand = instances.demandCpuMillis[instance]!;
      this.book.open(instance, nowS, demand, instances.requests[instance]!.cpuMillis, typicalShare);
    }
    return new Admission(view, this.book, this.policy, this.rules.admissionDeviations).place(arrivals);
  }

  private plan(view: ConsolidationView, loads: NodeLoads, mover: Mover): ConsolidationPlan {
    this.plannedS = view.nowS;
    this.errorBudget.book(view.nowS, view.service, this.predictedRisk);
    this.fillWoken(view, loads, mover);
    const wakes = this.adjust(view, loads, mover);
    this.relieve(view, loads, mover);
    const wake = this.wake(view, Math.max(wakes, missingNodes(loads) - this.woken.size));
    this.predictedRisk = loads.meanRisk(loads.used);
    return { moves: mover.moves, wake, sleep: nodesToSleep(view, this.rules.reserveNodes) };
  }

  private relieve(view: ConsolidationView, loads: NodeLoads, mover: Mover): void {
    relieve(loads, mover, this.rules.relief, this.pace.patience());
    this.pace.book(view.nowS, mover.moves.length, instanceCount(loads));
  }

  /** Nodes woken in an earlier round have started meanwhile. */
  private fillWoken(view: ConsolidationView, loads: NodeLoads, mover: Mover): void {
    for (const node of this.woken) {
      if (view.fleet.flags[node] !== 0) continue;
      this.woken.delete(node);
      fill(loads, this.book, mover, node);
    }
  }

  /** Empties a node, or says how many to wake. */
  private adjust(view: ConsolidationView, loads: NodeLoads, mover: Mover): number {
    const { rules, errorBudget } = this;
    if (view.nowS - this.wokenS < rules.wakeRestS) return 0;
    const allowed = errorBudget.allowed();
    const expected = errorBudget.expected(loads.meanRisk(loads.used));
    if (view.waiting > 0 || expected > allowed * rules.wakeFactor) return 1 + this.growingNodes(loads);
    const isRested = view.nowS - this.emptiedS >= rules.emptyEveryS;
    const bound = isRested ? allowed : allowed * AMPLE_SHARE;
    const isAllowed = (meanRisk: number) => errorBudget.expected(meanRisk) < bound;
    if (expected < bound && emptyOne(loads, this.book, mover, isAllowed)) this.emptiedS = view.nowS;
    return 0;
  }

  /** Nodes that demand will have grown by when the next may be woken. */
  private growingNodes(loads: NodeLoads): number {
    const growth = Math.min(1, Math.max(0, this.book.growth * this.rules.wakeRestS));
    return Math.floor(loads.used.length * growth);
  }

  private wake(view: ConsolidationView, count: number): number[] {
    const nodes = nodesToWake(view, count);
    for (const node of nodes) this.woken.add(node);
    if (nodes.length > 0) this.wokenS = view.nowS;
    return nodes;
  }
}

/** What instances ask for now, those that arrive among them, as a share of what they booked. */
function demandPerRequest({ instances }: ConsolidationView, arrivals: readonly number[]): number {
  let demandCpuMillis = 0;
  let bookedCpuMillis = 0;
  const count = (instance: number) => {
    demandCpuMillis += instances.demandCpuMillis[instance]!;
    bookedCpuMillis += instances.requests[instance]!.cpuMillis;
  };
  arrivals.forEach(count);
  instances.node.forEach((node, instance) => {
    if (node >= 0) count(instance);
  });
  return bookedCpuMillis > 0 ? demandCpuMillis / bookedCpuMillis : 0;
}

function instanceCount({ used, instances }: NodeLoads): number {
  return used.reduce((count, node) => count + instances[node]!.length, 0);
}

/** Nodes that what relief could not place would fill. What one instance asks for beyond any node, no node helps. */
function missingNodes(loads: NodeLoads): number {
  const { demandCpuMillis } = loads.view.instances;
  let excess = 0;
  let capacity = 0;
  for (const node of loads.used) {
    const largest = Math.max(...loads.instances[node]!.map((instance) => demandCpuMillis[instance]!));
    excess += Math.max(0, loads.present[node]! - Math.max(largest, loads.capacityOf(node)));
    capacity += loads.capacityOf(node);
  }
  return Math.floor((excess * loads.used.length) / (FILL_SHARE * Math.max(1, capacity)));
}
