import { describeFailure, exitCodeOf, type ExitCode } from '../output/failure.js';
import type { UpOptions } from './up-options.js';
import { runUp } from './up.js';

/** What `berth up --detach` and the launcher it starts tell each other. */
export interface DaemonOrder {
  readonly options: UpOptions;
  readonly environment: NodeJS.ProcessEnv;
}
export type DaemonWord =
  | { readonly kind: 'progress' | 'ready'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string; readonly exitCode: ExitCode };

/** Its standard output is the launcher's log; who started it hears the same until the datacenter is up. */
function say(word: DaemonWord): void {
  process.stdout.write(`${word.text}\n`);
  if (process.connected) process.send?.(word);
}

process.once('message', (order: DaemonOrder) => {
  const tell = (text: string): void => say({ kind: 'progress', text });
  runUp(order.options, order.environment, tell, (text) => {
    say({ kind: 'ready', text });
    if (process.connected) process.disconnect();
  }).catch((error: unknown) => {
    say({ kind: 'failed', text: describeFailure(error).replace(/^error: /, ''), exitCode: exitCodeOf(error) });
    process.exitCode = exitCodeOf(error);
    if (process.connected) process.disconnect();
  });
});
