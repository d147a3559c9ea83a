/**
 * Milliseconds by which all timers of a guest run. They stand still with the guest, and a saved guest takes them along:
 * a timer of its own would otherwise wait in another process for a time that is long gone, or yet to come.
 */
export class GuestClock {
  #behindMs = 0;
  #stoppedAtMs: number | undefined;

  /** @param hostMs a clock that only ever goes on */
  constructor(private readonly hostMs: () => number) {}

  get isStopped(): boolean {
    return this.#stoppedAtMs !== undefined;
  }

  readonly now = (): number => this.#stoppedAtMs ?? this.hostMs() - this.#behindMs;

  stop(): void {
    this.stopAt(this.now());
  }

  stopAt(guestMs: number): void {
    this.#stoppedAtMs = guestMs;
  }

  go(): void {
    this.#behindMs = this.hostMs() - this.now();
    this.#stoppedAtMs = undefined;
  }
}

/** v86 knows no other clock than `performance.now`, and keeps the one it finds when it is loaded: so before that. */
export function guestClockOfThisProcess(): GuestClock {
  const clock = new GuestClock(performance.now.bind(performance));
  performance.now = clock.now;
  return clock;
}
