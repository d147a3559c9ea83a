import type { OperationView } from '@berth/contracts/http/operation.js';
import type { Invocation } from '../commands/invocation.js';
import { operationNoun } from '../nouns/operation.js';
import { parseFormat } from '../output/format.js';
import { renderOne } from '../output/render.js';
import type { OutputFlags } from './list.js';
import { waitForAll, type WaitFlags } from './wait.js';

export async function getOperation(invocation: Invocation, id: string, flags: OutputFlags & WaitFlags): Promise<void> {
  const api = invocation.api();
  const format = parseFormat(flags.output);
  const path = `/operations/${encodeURIComponent(id)}`;
  let operation = await api.call<OperationView>({ method: 'GET', path });
  if (flags.wait === true) [operation = operation] = await waitForAll(invocation, api, [operation], flags);
  invocation.print(await renderOne(operation, operationNoun, format));
}
