/** Where the launcher says what it does: the terminal it was started from, whether it stays there or not. */
export interface Progress {
  /** Runs one step and tells of it: its name when it begins, how long it took when it ends. */
  step<T>(name: string, action: () => Promise<T>): Promise<T>;
  note(text: string): void;
}

/** Steps do not begin once the signal has fired. */
export function progressTo(write: (line: string) => void, signal: AbortSignal): Progress {
  return {
    async step(name, action) {
      signal.throwIfAborted();
      const startedAt = performance.now();
      write(`· ${name} ...`);
      const result = await action();
      write(`✓ ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
      return result;
    },
    note: write,
  };
}
