import type { BootPhasesMs, GuestStats, Heartbeat } from '../driver.js';
import type { Beat } from './agent.js';
import type { ArrivalTimes, Milestones } from './record.js';

/**
 * What the guest's beats tell about its boot. The guest says how long its kernel has run and when it was ready, so both
 * phases are known to the hundredth of a second even by a worker that came later. Times are of the monotonic clock.
 */
export class Boot {
  #last: { readonly beat: Beat; readonly atMs: number } | undefined;
  #stats: GuestStats | undefined;
  #kernelAtMs: number | undefined;
  #readyAtMs: number | undefined;
  /** When this worker first heard of the boot. */
  #heardAtMs = 0;
  #resetAfter: number | undefined;

  get isReady(): boolean {
    return this.#readyAtMs !== undefined;
  }

  get milestones(): Milestones {
    const [kernelAtMs, readyAtMs] = [this.#kernelAtMs, this.#readyAtMs];
    return { ...(kernelAtMs !== undefined && { kernelAtMs }), ...(readyAtMs !== undefined && { readyAtMs }) };
  }

  get stats(): GuestStats | undefined {
    return this.#stats;
  }

  /** True when this beat made the guest ready. */
  take(beat: Beat, atMs: number): boolean {
    if (this.#resetAfter !== undefined && beat.sequence > this.#resetAfter) return false; // of the boot before
    this.#resetAfter = undefined;
    const wasReady = this.isReady && beat.sequence >= (this.#last?.beat.sequence ?? 0);
    this.#last = { beat, atMs };
    this.#stats = beat.stats ?? this.#stats;
    if (wasReady) return false;
    this.#kernelAtMs = atMs - beat.uptimeMs;
    this.#readyAtMs = this.#kernelAtMs + beat.readyAtMs;
    this.#heardAtMs = atMs;
    return true;
  }

  /** The guest did not boot here: it went on from a saved one. */
  arrive({ resumedAtMs, readyAtMs }: ArrivalTimes): void {
    this.#kernelAtMs = resumedAtMs;
    this.#readyAtMs = readyAtMs;
  }

  /** What was seen of a guest that has no beats. True when this made it ready. */
  mark({ kernelAtMs, readyAtMs }: Milestones): boolean {
    const wasReady = this.isReady;
    this.#kernelAtMs = kernelAtMs;
    this.#readyAtMs = readyAtMs;
    return this.isReady && !wasReady;
  }

  /** The machine was reset: the guest is not ready until it counts its beats from one again. */
  reset(): void {
    this.#resetAfter = this.#last?.beat.sequence;
    this.#kernelAtMs = this.#readyAtMs = undefined;
  }

  phasesSince(startedAtMs: number): BootPhasesMs {
    const [kernelAtMs, readyAtMs] = [this.#kernelAtMs, this.#readyAtMs];
    // A guest that came from another vmm has booted long before: here it is ready from its first word on.
    if (readyAtMs !== undefined && (kernelAtMs ?? readyAtMs) < startedAtMs) {
      return { kernel: this.#heardAtMs - startedAtMs, ready: this.#heardAtMs - startedAtMs };
    }
    return {
      ...(kernelAtMs === undefined ? {} : { kernel: kernelAtMs - startedAtMs }),
      ...(readyAtMs === undefined ? {} : { ready: readyAtMs - startedAtMs }),
    };
  }

  silentSinceMs(): number | undefined {
    return this.#last?.atMs;
  }

  heartbeat(nowMs: number): Heartbeat | undefined {
    if (!this.#last) return undefined;
    const { sequence, uptimeMs, longestGapMs } = this.#last.beat;
    return { sequence, guestUptimeMs: uptimeMs, longestGapMs, ageMs: nowMs - this.#last.atMs };
  }
}
