import type { MoveBudget } from './plan.js';

const DAY_S = 86_400;

/** Keeps every policy to its budget. No plan leaves consolidation without having asked here for each move. */
export class MoveGuard {
  private readonly history = new Map<number, { atS: number; from: number }[]>();
  private spent = 0;

  constructor(private readonly budget: MoveBudget) {}

  startRound(): void {
    this.spent = 0;
  }

  get leftInRound(): number {
    return this.budget.perRound - this.spent;
  }

  /** May the instance leave its node now? */
  mayLeave(instance: number, nowS: number): boolean {
    const moves = this.history.get(instance);
    if (moves === undefined) return true;
    if (nowS - moves.at(-1)!.atS < this.budget.cooldownS) return false;
    return moves.filter(({ atS }) => nowS - atS < DAY_S).length < this.budget.perInstanceDay;
  }

  mayGoTo(instance: number, node: number, nowS: number): boolean {
    const moves = this.history.get(instance);
    return moves === undefined || !moves.some((move) => move.from === node && nowS - move.atS < this.budget.noReturnS);
  }

  record(instance: number, from: number, nowS: number): void {
    this.spent++;
    const keptS = Math.max(DAY_S, this.budget.noReturnS);
    const moves = (this.history.get(instance) ?? []).filter(({ atS }) => nowS - atS < keptS);
    moves.push({ atS: nowS, from });
    this.history.set(instance, moves);
  }

  /** The instance is gone; its slot may be used again. */
  forget(instance: number): void {
    this.history.delete(instance);
  }
}
