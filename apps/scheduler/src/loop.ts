import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';

/** What one round did. */
export interface Round {
  readonly seen: number;
  readonly acted: number;
  /** There is more to do, or will be, sooner than the timer would come round. */
  readonly nextInMs?: number;
}

export interface LoopOptions {
  readonly name: string;
  /** A wake-up may get lost; the timer does not. */
  readonly intervalMs: number;
  /**
   * Least time between the starts of two rounds: under load a round then finds a batch, while a lone item waits for
   * nothing.
   */
  readonly paceMs: number;
  readonly round: () => Promise<Round>;
}

/** What a loop is doing, for people. */
export interface LoopHealth {
  readonly lastRunAgeMs: number | null;
  readonly lastDurationMs: number;
  readonly lastError: string | null;
  readonly rounds: number;
  readonly seen: number;
  readonly acted: number;
}

const errorPauseMs = 1_000;

/**
 * A control loop: woken or by timer, one round at a time, no retries inside; a round that fails is told, and the next
 * one comes.
 */
export class Loop {
  private stopping = false;
  private woken = false;
  private wakeNow: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private lastEndMs: number | null = null;
  private lastDurationMs = 0;
  private lastError: string | null = null;
  private rounds = 0;
  private seen = 0;
  private acted = 0;

  constructor(
    private readonly options: LoopOptions,
    private readonly metrics: Metrics<'scheduler'>,
    private readonly logger: Logger,
  ) {
    metrics.get('berth_loop_errors_total').inc({ loop: options.name }, 0); // none is a figure too
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Asks for a round soon. Carries nothing: the round looks for itself. */
  wake(): void {
    this.woken = true;
    this.wakeNow?.();
  }

  /** Lets the round under way end. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  get health(): LoopHealth {
    const { lastEndMs, lastDurationMs, lastError, rounds, seen, acted } = this;
    const lastRunAgeMs = lastEndMs === null ? null : Math.round(performance.now() - lastEndMs);
    return { lastRunAgeMs, lastDurationMs: Math.round(lastDurationMs), lastError, rounds, seen, acted };
  }

  private async run(): Promise<void> {
    const { intervalMs, paceMs } = this.options;
    while (!this.stopping) {
      this.woken = false;
      const startedMs = performance.now();
      const nextInMs = await this.one();
      await this.rest(startedMs + paceMs - performance.now(), () => false);
      await this.rest(startedMs + Math.min(nextInMs, intervalMs) - performance.now(), () => this.woken);
    }
  }

  /** One round; resolves to when the next should start at the latest. */
  private async one(): Promise<number> {
    const startedMs = performance.now();
    const { name, round, intervalMs } = this.options;
    try {
      const { seen, acted, nextInMs } = await round();
      this.count(seen, acted);
      this.lastError = null;
      return nextInMs ?? intervalMs;
    } catch (error) {
      this.lastError = error instanceof Error ? error.message : String(error);
      this.metrics.get('berth_loop_errors_total').inc({ loop: name });
      this.logger.error({ error, loop: name }, 'round failed');
      return errorPauseMs;
    } finally {
      this.lastEndMs = performance.now();
      this.lastDurationMs = this.lastEndMs - startedMs;
      this.metrics.get('berth_loop_round_duration_seconds').observe({ loop: name }, this.lastDurationMs / 1000);
      this.metrics.get('berth_loop_last_run_timestamp_seconds').set({ loop: name }, Date.now() / 1000);
    }
  }

  private count(seen: number, acted: number): void {
    const { name: loop } = this.options;
    const items = this.metrics.get('berth_loop_items_total');
    this.rounds += 1;
    this.seen += seen;
    this.acted += acted;
    items.inc({ loop, outcome: 'seen' }, seen);
    items.inc({ loop, outcome: 'acted' }, acted);
  }

  private async rest(ms: number, enough: () => boolean): Promise<void> {
    if (ms <= 0 || this.stopping || enough()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wakeNow = () => {
        if (!this.stopping && !enough()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeNow = undefined;
  }
}
