/**
 * How many guests may boot at once. Forty that share two cores all become ready at the very end; a few at a time, half
 * of them are ready in half the time. First come, first served.
 */
export class BootSlots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  /** Resolves when it is one's turn, to what gives the slot back; giving it back twice does nothing. */
  async take(): Promise<() => void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let held = true;
    return () => {
      if (held) this.giveBack();
      held = false;
    };
  }

  private giveBack(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}
