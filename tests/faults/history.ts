const shownMax = 50;

/** What was done in a run, in order, to be told when it fails. */
export class History {
  private readonly startedMs = performance.now();
  private readonly lines: string[] = [];

  constructor(readonly seed: number) {}

  add(action: string): void {
    const seconds = (performance.now() - this.startedMs) / 1000;
    this.lines.push(`${seconds.toFixed(3).padStart(9)} s  ${action}`);
  }

  get length(): number {
    return this.lines.length;
  }

  /** The seed and the last actions. */
  tell(): string {
    const shown = this.lines.slice(-shownMax);
    return [`seed ${this.seed}; the last ${shown.length} of ${this.lines.length} actions:`, ...shown, ''].join('\n');
  }
}
