import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { OperationView } from '@berth/contracts/http/operation.js';
import { waitForOperation } from '../client/operations.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { CliError } from '../output/failure.js';
import { durationMs } from './duration.js';
import { timeoutDefaultMs, type WaitFlags } from './wait.js';

/** @throws CliError when it has moved all the same */
export async function cancelOperation(invocation: Invocation, id: string, flags: WaitFlags): Promise<void> {
  await cancel(invocation, invocation.api(), id, flags);
  invocation.print(id);
}

/** @throws CliError when one of them does not move, or has moved all the same */
export async function cancelMoves(
  invocation: Invocation,
  api: HttpClient,
  instances: readonly InstanceView[],
  flags: WaitFlags,
): Promise<void> {
  const moves = await Promise.all(instances.map((instance) => moveOf(api, instance)));
  await Promise.all(moves.map((id) => cancel(invocation, api, id, flags)));
  for (const { name } of instances) invocation.print(name);
}

async function moveOf(api: HttpClient, { id, name }: InstanceView): Promise<string> {
  const query = { instance: id, kind: 'migrate-instance', limit: 1 };
  const { items } = await api.call<{ items: OperationView[] }>({ method: 'GET', path: '/operations', query });
  const [newest] = items;
  if (newest?.endedAt === null) return newest.id;
  throw new CliError(`${name} does not move`, { next: `berth instance get ${name}` });
}

async function cancel(invocation: Invocation, api: HttpClient, id: string, flags: WaitFlags): Promise<void> {
  const path = `/operations/${encodeURIComponent(id)}/cancel`;
  const asked = await api.call<OperationView>({ method: 'POST', path });
  if (flags.wait === false) return;
  const ended = await waitForOperation(api, asked, durationMs(flags.timeout) ?? timeoutDefaultMs);
  const { state, instanceName, problem } = ended;
  if (state === 'succeeded') throw new CliError(`too late: ${instanceName ?? id} has moved`);
  const why = problem ? `: ${problem.detail}` : '';
  invocation.tell(`${instanceName ?? id} stays where it was (${state}${why})`);
}
