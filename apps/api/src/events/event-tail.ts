import type { Database } from '@berth/database/database.js';
import type { EventRepository } from '@berth/database/event.repository.js';

/** A number missing for longer belongs to a transaction that was undone. */
const gapAgeMaxMs = 2_000;
/** A wake-up may be lost; then it looks by itself. */
const lookAgainMs = 1_000;
/** A reader that waits for a gap looks this often. */
const gapLookMs = 100;
const numbersMax = 10_000;

/**
 * How far the events are settled. A number is given out before its transaction commits, so a later one may
 * show first; a reader that went on from there would never see the earlier. Streams read up to `settledSeq`
 * only.
 */
export class EventTail {
  settledSeq = 0;
  private gap: { readonly seq: number; readonly seenAtMs: number } | undefined;
  private reading: Promise<void> | undefined;
  private again = false;
  private started: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly wakers = new Set<() => void>();
  closed = false;

  constructor(
    private readonly database: Pick<Database, 'listen'>,
    private readonly events: Pick<EventRepository, 'lastSeq' | 'numbersAfter'>,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Begins at what is there now; later calls change nothing. */
  start(): Promise<void> {
    this.started ??= this.begin();
    this.started.catch(() => (this.started = undefined));
    return this.started;
  }

  /**
   * Resolves with a number that settled no earlier than the call: what was committed by then is at or below it. Waits
   * for transactions under way, as long as a gap is waited for.
   */
  async settled(): Promise<number> {
    await this.start();
    const last = await this.events.lastSeq();
    while (this.settledSeq < last && !this.closed) {
      await this.read();
      if (this.settledSeq < last) await this.advanced(gapLookMs);
    }
    return this.settledSeq;
  }

  /** Resolves when there may be more, when `withinMs` have passed, or when the process stops. */
  async advanced(withinMs: number): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(wake, withinMs);
      const { wakers } = this;
      function wake(): void {
        clearTimeout(timer);
        wakers.delete(wake);
        resolve();
      }
      wakers.add(wake);
    });
  }

  /** Moves on as far as numbers follow one another. One read at a time; asked meanwhile, it reads once more. */
  read(): Promise<void> {
    this.again = true;
    this.reading ??= this.readOn().finally(() => (this.reading = undefined));
    return this.reading;
  }

  onModuleDestroy(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.wakeAll();
  }

  private async begin(): Promise<void> {
    this.settledSeq = await this.events.lastSeq();
    const look = (): void => void this.read().catch(() => undefined); // the record is away: the timer looks again
    this.database.listen('event', look);
    this.timer = setInterval(look, lookAgainMs).unref();
  }

  private async readOn(): Promise<void> {
    while (this.again) {
      this.again = false;
      const before = this.settledSeq;
      const numbers = await this.events.numbersAfter(before, numbersMax);
      for (const seq of numbers) if (!this.takes(seq)) break;
      if (this.settledSeq > before) this.wakeAll();
      if (numbers.length === numbersMax) this.again = true;
    }
  }

  private takes(seq: number): boolean {
    const missing = this.settledSeq + 1;
    if (seq !== missing) {
      if (this.gap?.seq !== missing) this.gap = { seq: missing, seenAtMs: this.nowMs() };
      if (this.nowMs() - this.gap.seenAtMs < gapAgeMaxMs) return false;
    }
    this.settledSeq = seq;
    return true;
  }

  private wakeAll(): void {
    for (const wake of this.wakers) wake();
  }
}
