import type { InstanceView } from '@berth/contracts/http/instance.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import { identify } from '../servers/process-identity.js';
import { CliError } from '../output/failure.js';

const pollMs = 250;
const perInstanceMs = 5_000;
const atLeastMs = 120_000;

/**
 * Waits until every instance that shall run does; tells the count each time it changes.
 * @throws CliError that names those that failed, or that are not running in time
 */
export async function untilRunning(
  api: HttpClient,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<InstanceView[]> {
  const startedAt = performance.now();
  let told = -1;
  for (;;) {
    const instances = await listAll<InstanceView>(api, '/instances');
    const wanted = instances.filter(({ desiredState }) => desiredState === 'running');
    const running = wanted.filter(isRunning);
    if (running.length !== told) tell(`${running.length} of ${wanted.length} instances ready`);
    told = running.length;
    if (running.length === wanted.length) return instances;
    const late = performance.now() - startedAt > Math.max(atLeastMs, wanted.length * perInstanceMs);
    if (late || wanted.every((instance) => isRunning(instance) || instance.state === 'failed'))
      throw notRunning(wanted);
    await delay(pollMs, undefined, { signal });
  }
}

/** Right after a start the record may still tell of the guests of the run before: their processes must be there. */
function isRunning({ state, pid }: InstanceView): boolean {
  return state === 'running' && pid !== null && identify(pid) !== undefined;
}

function notRunning(wanted: readonly InstanceView[]): CliError {
  const lines = wanted
    .filter(({ state }) => state !== 'running')
    .map(({ name, state, reason }) => `  ${name}: ${state}${reason === null ? '' : `, ${reason}`}`);
  return new CliError(`not running:\n${lines.join('\n')}`, { next: 'berth instance explain NAME' });
}
