import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { AcceptedSnapshotView, SnapshotView } from '@berth/contracts/http/snapshot.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { snapshotNounOf } from '../nouns/snapshot.js';
import { confirm } from '../output/confirm.js';
import { parseFormat } from '../output/format.js';
import { renderList, renderOne } from '../output/render.js';
import type { OutputFlags } from './list.js';
import { waitForAll, type WaitFlags } from './wait.js';

export async function createSnapshot(
  invocation: Invocation,
  reference: string,
  flags: WaitFlags & OutputFlags & { readonly name: string },
): Promise<void> {
  const format = parseFormat(flags.output);
  const api = invocation.api();
  const { id } = await findOne(api, instanceNoun, reference);
  const noun = snapshotNounOf(id);
  const body = { name: flags.name };
  const { snapshot, operations } = await api.call<AcceptedSnapshotView>({ method: 'POST', path: noun.path, body });
  await waitForAll(invocation, api, operations, flags);
  const { items } = await api.call<{ items: SnapshotView[] }>({ method: 'GET', path: noun.path });
  const made = items.find((item) => item.id === snapshot.id) ?? snapshot;
  invocation.print(flags.output ? await renderOne(made, noun, format) : made.name);
}

export async function listSnapshots(invocation: Invocation, reference: string, flags: OutputFlags): Promise<void> {
  const format = parseFormat(flags.output);
  const api = invocation.api();
  const noun = snapshotNounOf((await findOne(api, instanceNoun, reference)).id);
  const { items } = await api.call<{ items: SnapshotView[] }>({ method: 'GET', path: noun.path });
  const text = await renderList(items, noun, format);
  if (text !== '') invocation.print(text);
}

export async function deleteSnapshot(
  invocation: Invocation,
  reference: string,
  snapshot: string,
  flags: { readonly yes?: true },
): Promise<void> {
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  await confirm(`delete snapshot ${snapshot} of ${name}?`, flags.yes === true);
  const path = `${snapshotNounOf(id).path}/${encodeURIComponent(snapshot)}`;
  invocation.print((await api.call<SnapshotView>({ method: 'DELETE', path })).name);
}

/** What the guest wrote since is lost, so it is asked first. */
export async function restoreInstance(
  invocation: Invocation,
  reference: string,
  flags: WaitFlags & { readonly snapshot: string; readonly yes?: true },
): Promise<void> {
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  await confirm(`take ${name} back to ${flags.snapshot}?`, flags.yes === true);
  const body = { snapshot: flags.snapshot };
  const call = { method: 'POST', path: `/instances/${id}/restore`, body } as const;
  const { operations } = await api.call<AcceptedView>(call);
  await waitForAll(invocation, api, operations, flags);
  invocation.print(name);
}
