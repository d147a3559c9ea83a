import type { NodeService } from './plan.js';

/** How much overload a policy may allow, and how it reacts to what came of it. */
export interface ServiceObjective {
  /** Share of node time in overload to aim at. */
  readonly overloadShare: number;
  /** What was missed or overspent is made up for over this time. */
  readonly windowS: number;
  readonly gain: number;
}

const MEMORY_S = 15_000;

/**
 * Compares predicted risk with the overload that followed. Predictions are then scaled by what was learnt, and
 * the allowance falls while the objective is missed and grows while there is slack.
 */
export class ErrorBudget {
  private realized = 0;
  private predicted = 0;
  private overspent = 0;
  private last: NodeService = { activeS: 0, overloadS: 0 };
  private lastS = Number.NaN;

  constructor(
    private readonly objective: ServiceObjective,
    /** Realized per predicted overload, before anything is known: relief halves it. */
    private readonly priorRatio: number,
    private readonly priorWeight: number,
  ) {}

  /** What nodes have measured up to now, and the risk that was predicted for the time since the last call. */
  book(nowS: number, service: NodeService, predictedRisk: number): void {
    const elapsedS = nowS - this.lastS;
    const activeS = service.activeS - this.last.activeS;
    const share = activeS > 0 ? (service.overloadS - this.last.overloadS) / activeS : 0;
    this.lastS = nowS;
    this.last = service;
    if (Number.isNaN(elapsedS)) return;
    const kept = Math.exp(-elapsedS / MEMORY_S);
    this.realized = this.realized * kept + share * elapsedS;
    this.predicted = this.predicted * kept + predictedRisk * elapsedS;
    const { overloadShare, windowS } = this.objective;
    this.overspent *= Math.max(0, 1 - elapsedS / windowS);
    this.overspent += ((share - overloadShare) * elapsedS) / windowS;
  }

  /** Overload to expect at a predicted risk. */
  expected(risk: number): number {
    return (risk * (this.realized + this.priorRatio * this.priorWeight)) / (this.predicted + this.priorWeight);
  }

  /** Overload share allowed now: within 0.3 and 2 times the objective. */
  allowed(): number {
    const { overloadShare, gain } = this.objective;
    return Math.min(2, Math.max(0.3, 1 - (gain * this.overspent) / overloadShare)) * overloadShare;
  }
}
