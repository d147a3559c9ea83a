import type { Policy } from '../policy.js';
import { Admission } from './admission.js';
import { DemandBook, type ForecastRates } from './demand-book.js';
import { emptyOne } from './emptying.js';
import { ErrorBudget, type ServiceObjective } from './error-budget.js';
import { fill } from './filling.js';
import { MoveGuard } from './move-guard.js';
import { Mover } from './mover.js';
import { NodeLoads } from './node-loads.js';
import { OverloadMeter } from './overload-meter.js';
import type { ConsolidationPlan, ConsolidationView, Consolidator, MoveBudget } from './plan.js';
import { nodesToSleep, nodeToWake } from './power-plan.js';
import { relieve, type ReliefRules } from './relief.js';

export interface BerthRules {
  readonly name: string;
  /** Demand is read this often. */
  readonly readEveryS: number;
  readonly objective: ServiceObjective;
  readonly forecast: ForecastRates;
  readonly relief: ReliefRules;
  readonly budget: MoveBudget;
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

/**
 * Keeps as few nodes awake as the service objective allows. Each round: reads demand, relieves nodes in overload,
 * and either wakes a node, fills one that was woken, or empties one, by what the error budget expects and allows.
 */
export class BerthConsolidator implements Consolidator {
  readonly name: string;
  private readonly book: DemandBook;
  private readonly errorBudget: ErrorBudget;
  private readonly guard: MoveGuard;
  private readonly meter = new OverloadMeter();
  private predictedRisk = 0;
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
  }

  decide(view: ConsolidationView): ConsolidationPlan {
    const { book, rules, guard } = this;
    book.read(view.nowS, view.instances.node, view.instances.demandCpuMillis);
    guard.startRound();
    const loads = new NodeLoads(view, book, rules.shortfallWeight);
    this.errorBudget.book(view.nowS, this.meter.read(loads), this.predictedRisk);
    const mover = new Mover(view, loads, this.policy, guard);
    this.fillWoken(view, loads, mover);
    const wake = this.adjust(view, loads, mover);
    relieve(loads, mover, rules.relief);
    this.predictedRisk = loads.meanRisk(loads.used);
    const sleep = nodesToSleep(view, rules.reserveNodes);
    return { moves: mover.moves, wake, sleep };
  }

  admit(view: ConsolidationView, arrivals: readonly number[]): number[] {
    const { instances, nowS } = view;
    for (const instance of arrivals) {
      const demand = instances.demandCpuMillis[instance]!;
      this.book.open(instance, nowS, demand, instances.requests[instance]!.cpuMillis);
    }
    return new Admission(view, this.book, this.policy, this.rules.admissionDeviations).place(arrivals);
  }

  /** Nodes woken in an earlier round have started meanwhile. */
  private fillWoken(view: ConsolidationView, loads: NodeLoads, mover: Mover): void {
    for (const node of this.woken) {
      if (view.fleet.flags[node] !== 0) continue;
      this.woken.delete(node);
      fill(loads, this.book, mover, node);
    }
  }

  /** Wakes a node or empties one. */
  private adjust(view: ConsolidationView, loads: NodeLoads, mover: Mover): number[] {
    const { rules, errorBudget } = this;
    if (view.nowS - this.wokenS < rules.wakeRestS) return [];
    const allowed = errorBudget.allowed();
    const expected = errorBudget.expected(loads.meanRisk(loads.used));
    if (view.waiting > 0 || expected > allowed * rules.wakeFactor) {
      const node = nodeToWake(view);
      if (node === undefined) return [];
      this.woken.add(node);
      this.wokenS = view.nowS;
      return [node];
    }
    if (view.nowS - this.emptiedS < rules.emptyEveryS) return [];
    const isAllowed = (meanRisk: number) => errorBudget.expected(meanRisk) < allowed;
    if (emptyOne(loads, this.book, mover, isAllowed)) this.emptiedS = view.nowS;
    return [];
  }
}
