import type { OperationView } from '@berth/contracts/http/operation.js';
import { bootDeadlineMs } from '@berth/domain/limits.js';
import { requireSuccess, waitForOperation } from '../client/operations.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { progressText } from '../nouns/operation.js';
import { seconds } from '../output/amounts.js';
import { durationMs } from './duration.js';

export interface WaitFlags {
  /** `ready`, `running`, true for a bare `--wait` and by default, false for `--no-wait`. */
  readonly wait?: string | boolean;
  /** `90`, `90s`, `2m`. */
  readonly timeout?: string;
}

/** Longer than anything but a drain or the fetch of a large image may take: its end, and why, is seen. */
export const timeoutDefaultMs = bootDeadlineMs + 60_000;

/**
 * Waits for every operation, one line on stderr for each change of each.
 * @throws CliError of the first that did not succeed, when all have ended
 */
export async function waitForAll(
  invocation: Invocation,
  api: HttpClient,
  operations: readonly OperationView[],
  flags: WaitFlags,
): Promise<OperationView[]> {
  const timeoutMs = durationMs(flags.timeout) ?? timeoutDefaultMs;
  if (flags.wait === false) return [...operations];
  const ended = await Promise.allSettled(
    operations.map((operation) => waitForOperation(api, operation, timeoutMs, changeTeller(invocation))),
  );
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  const done = ended.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  for (const operation of done) requireSuccess(operation);
  return done;
}

function changeTeller(invocation: Invocation): (operation: OperationView) => void {
  let told = '';
  return (operation) => {
    const { kind, instanceName, node, state, timeline } = operation;
    const last = timeline.at(-1);
    const progress = state === 'running' && !last ? ` ${progressText(operation)}` : '';
    const phase = last ? ` (${last.phase} after ${seconds(last.offsetMs)})` : '';
    const line = `${kind} ${instanceName ?? node ?? ''}: ${state}${progress}${phase}`;
    if (line !== told) invocation.tell(line);
    told = line;
  };
}
