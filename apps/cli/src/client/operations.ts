import type { OperationView } from '@berth/contracts/http/operation.js';
import { CliError, exitCodes } from '../output/failure.js';
import type { HttpClient } from './http.js';

/** The server answers when the operation ends, or after this time. */
const longPollMs = 20_000;
/** Of a move, which shows how far it is. */
const movePollMs = 1_000;
const answerMarginMs = 10_000;
const endStates: readonly string[] = ['succeeded', 'failed', 'cancelled'];

export const hasEnded = (operation: OperationView): boolean => endStates.includes(operation.state);

/**
 * Waits for the end of one operation by the API's long poll, telling each change.
 * @throws CliError with exit code 124 after `timeoutMs`
 */
export async function waitForOperation(
  api: HttpClient,
  operation: OperationView,
  timeoutMs: number,
  onChange: (operation: OperationView) => void = () => undefined,
): Promise<OperationView> {
  const deadline = performance.now() + timeoutMs;
  let seen = operation;
  onChange(seen);
  while (!hasEnded(seen)) {
    const leftMs = Math.ceil(deadline - performance.now());
    if (leftMs <= 0) throw timedOut(seen, timeoutMs);
    const wait = Math.min(leftMs, seen.kind === 'migrate-instance' ? movePollMs : longPollMs);
    seen = await api.call<OperationView>({
      method: 'GET',
      path: `/operations/${operation.id}`,
      query: { wait },
      timeoutMs: wait + answerMarginMs,
    });
    onChange(seen);
  }
  return seen;
}

function timedOut(operation: OperationView, timeoutMs: number): CliError {
  return new CliError(
    `${operation.kind} ${operation.instanceName ?? operation.node ?? ''} did not end within ${timeoutMs / 1000} s; ` +
      `operation ${operation.id} goes on`,
    { exitCode: exitCodes.timeout, next: `berth operation get ${operation.id} --wait` },
  );
}

/** @throws CliError that says why it failed; exit code 2 when no node took it */
export function requireSuccess(operation: OperationView): void {
  if (operation.state === 'succeeded') return;
  const { code = 'cancelled', detail = 'it was cancelled', next } = operation.problem ?? {};
  const what = `${operation.kind} ${operation.instanceName ?? operation.node ?? ''}`.trim();
  const notPlaced = code === 'no-node-fits';
  throw new CliError(`${what}: ${code}: ${detail}\n  operation ${operation.id}`, {
    exitCode: notPlaced ? exitCodes.notPlaced : exitCodes.error,
    ...(next === undefined ? {} : { next }),
  });
}
