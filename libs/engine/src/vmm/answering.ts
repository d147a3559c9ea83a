import { monotonicMs } from './clock.js';

/** Two misses in a row make a vmm unresponsive. */
const missesToUnresponsive = 2;

/** Whether a vmm answers, and whether its guest's time runs: what is heard of the two, and when. */
export class Answering {
  readonly #attachedAtMs = monotonicMs();
  #misses = 0;
  #unresponsive = false;
  #paused = false;
  /** When the guest's time last began to run again: its silence before that says nothing. */
  #resumedAtMs = 0;

  get isUnresponsive(): boolean {
    return this.#unresponsive;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** @param lastWordAtMs the guest's; undefined: it has said none to this process */
  silentMs(lastWordAtMs = this.#attachedAtMs): number {
    return monotonicMs() - Math.max(lastWordAtMs, this.#resumedAtMs);
  }

  /** True when that changes how the vmm is to be called. */
  answered(well: boolean): boolean {
    this.#misses = well ? 0 : this.#misses + 1;
    const before = this.#unresponsive;
    this.#unresponsive = this.#misses >= missesToUnresponsive;
    return before !== this.#unresponsive;
  }

  /** True when it is news. */
  pausedIs(paused: boolean): boolean {
    if (paused === this.#paused) return false;
    this.#paused = paused;
    if (!paused) this.#resumedAtMs = monotonicMs();
    return true;
  }
}
