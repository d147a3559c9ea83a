/** How many moves a policy spends, and what it does about it. */
export interface MovePaceRules {
  readonly movesPerInstanceDay: number;
  /** Patience with overload (`relieve`): at first, at least, at most, and by how much each move overspent adds. */
  readonly patience: number;
  readonly leastPatience: number;
  readonly mostPatience: number;
  readonly gain: number;
}

const DAY_S = 86_400;
/** What was over- or underspent is made up for over this time. */
const WINDOW_S = 43_200;

/** Spends the moves there are on the overload that lasts longest: patience grows while they are overspent. */
export class MovePace {
  /** Moves for each instance, beyond the pace. */
  private overspent = 0;
  private lastS = Number.NaN;

  constructor(private readonly rules: MovePaceRules) {}

  /** Moves of a round; the time since the round before has allowed for some. */
  book(nowS: number, moves: number, instances: number): void {
    const elapsedS = Number.isNaN(this.lastS) ? 0 : nowS - this.lastS;
    this.lastS = nowS;
    this.overspent *= Math.max(0, 1 - elapsedS / WINDOW_S);
    this.overspent += moves / Math.max(1, instances) - (this.rules.movesPerInstanceDay * elapsedS) / DAY_S;
  }

  patience(): number {
    const { patience, leastPatience, mostPatience, gain } = this.rules;
    return Math.min(mostPatience, Math.max(leastPatience, patience + gain * this.overspent));
  }
}
