/** Small jobs that come again at a fixed interval, each once more at the end. */
export class Chores {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly runs: (() => Promise<void>)[] = [];

  constructor(private readonly onError: (error: unknown) => void) {}

  every(intervalMs: number, work: () => Promise<void>): void {
    const run = (): Promise<void> => work().catch(this.onError);
    this.runs.push(run);
    this.timers.push(setInterval(() => void run(), intervalMs).unref());
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.runs.map((run) => run()));
  }
}
