/** Everything the command line prints goes through here: results to stdout, the rest to stderr. */
export interface Terminal {
  readonly columns: () => number;
  readonly rows: () => number;
  /** Somebody sits there and can answer a question. */
  readonly isInteractive: boolean;
  /** Of the result, for pipes. */
  readonly print: (text: string) => void;
  /** For people who watch. */
  readonly tell: (text: string) => void;
}

export const terminal: Terminal = {
  columns: () => process.stdout.columns ?? 80,
  rows: () => process.stdout.rows ?? 24,
  isInteractive: process.stdin.isTTY && process.stderr.isTTY,
  print: (text) => void process.stdout.write(`${text}\n`),
  tell: (text) => void process.stderr.write(`${text}\n`),
};
