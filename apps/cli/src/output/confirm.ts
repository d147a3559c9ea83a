import { createInterface } from 'node:readline/promises';
import { CliError } from './failure.js';
import { terminal } from './terminal.js';

/** Asks before what cannot be undone. @throws CliError when the answer is not yes, or nobody is there to be asked */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!terminal.isInteractive)
    throw new CliError(`${question} nobody is there to answer`, { next: 'repeat it with --yes' });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('left as it is');
  } finally {
    lines.close();
  }
}
