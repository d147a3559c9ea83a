import type { Database } from '@berth/database/database.js';
import type { Metrics } from '@berth/observability/metrics.js';

/** A wake-up may be lost; then a waiter looks by itself. */
const lookAgainMs = 1_000;

/** Wakes those who wait for an operation when the record says that it changed. */
export class OperationChanges {
  private closed = false;
  private readonly wakersOf = new Map<string, Set<() => void>>();

  constructor(database: Database, metrics: Metrics<'api'>) {
    database.listen('operation', (id) => this.wake(id));
    const waiters = metrics.get('berth_operation_waiters');
    metrics.beforeScrape(() => waiters.set([...this.wakersOf.values()].reduce((sum, { size }) => sum + size, 0)));
  }

  /** Reads until `done` or until `waitMs` have passed; resolves to what was read last. */
  async until<T>(id: string, waitMs: number, read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const changed = this.nextChange(id); // asked for before reading: nothing falls between
      try {
        const value = await read();
        const leftMs = deadline - performance.now();
        if (done(value) || leftMs <= 0 || this.closed) return value;
        await changed.within(Math.min(leftMs, lookAgainMs));
      } finally {
        changed.cancel();
      }
    }
  }

  /** Long polls answer as things stand. */
  onModuleDestroy(): void {
    this.closed = true;
    this.wake('');
  }

  private nextChange(id: string): { within(ms: number): Promise<void>; cancel(): void } {
    const wakers = this.wakersOf.get(id) ?? new Set();
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    this.wakersOf.set(id, wakers.add(wake));
    return {
      async within(ms) {
        const timer = setTimeout(wake, ms);
        await woken;
        clearTimeout(timer);
      },
      cancel: () => {
        wakers.delete(wake);
        if (wakers.size === 0) this.wakersOf.delete(id);
      },
    };
  }

  /** Without an id: something may have been missed, so everybody looks. */
  private wake(id: string): void {
    const woken = id === '' ? [...this.wakersOf.values()] : [this.wakersOf.get(id) ?? []];
    for (const wakers of woken) for (const wake of wakers) wake();
  }
}
