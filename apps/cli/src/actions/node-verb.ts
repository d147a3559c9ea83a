import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { OperationView } from '@berth/contracts/http/operation.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { nodeNoun } from '../nouns/node.js';
import { parseFormat } from '../output/format.js';
import { renderList } from '../output/render.js';
import type { OutputFlags } from './list.js';
import { waitForAll, type WaitFlags } from './wait.js';

export async function cordonNodes(
  invocation: Invocation,
  verb: 'cordon' | 'uncordon',
  references: readonly string[],
  flags: OutputFlags,
): Promise<void> {
  const api = invocation.api();
  const format = parseFormat(flags.output);
  const nodes = await Promise.all(references.map((reference) => findOne(api, nodeNoun, reference)));
  const changed = await Promise.all(
    nodes.map(({ name }) => api.call<NodeView>({ method: 'POST', path: `/nodes/${name}/${verb}` })),
  );
  invocation.print(await renderList(changed, nodeNoun, format));
}

/** Moves every instance off the node. Uncordon calls it off. */
export async function drainNode(invocation: Invocation, reference: string, flags: WaitFlags): Promise<void> {
  const api = invocation.api();
  const { name } = await findOne(api, nodeNoun, reference);
  const operation = await api.call<OperationView>({ method: 'POST', path: `/nodes/${name}/drain` });
  await waitForAll(invocation, api, [operation], flags);
  invocation.print(name);
}
