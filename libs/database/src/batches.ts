/**
 * Runs items in batches, one batch at a time: what arrives while one is under way goes into the next. No
 * timer, so a lone item waits for nothing. When a batch fails in a way that `separates`, its items run one by
 * one, and each gets its own outcome.
 */
export class Batches<T, R> {
  private readonly waiting: { item: T; resolve: (result: R) => void; reject: (reason: unknown) => void }[] = [];
  private running = false;

  constructor(
    private readonly sizeMax: number,
    private readonly work: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly separates: (error: unknown) => boolean,
  ) {}

  run(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.running) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) await this.settle(this.waiting.splice(0, this.sizeMax));
    this.running = false;
  }

  private async settle(batch: typeof this.waiting): Promise<void> {
    try {
      const results = await this.work(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length > 1 && this.separates(error)) for (const one of batch) await this.settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
