import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { findOne } from '../client/find-one.js';
import type { Call } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { confirm } from '../output/confirm.js';
import { migrateBody, type MigrateFlags } from './migrate-body.js';
import { cancelMoves } from './operation-cancel.js';
import { waitForAll, type WaitFlags } from './wait.js';

export type InstanceVerb =
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'suspend'
  | 'resume'
  | 'resize'
  | 'migrate'
  | 'delete';

export interface VerbFlags extends WaitFlags, MigrateFlags {
  readonly yes?: true;
  readonly dryRun?: true;
  /** Of a resize: what it becomes. */
  readonly type?: string;
}

/** Each by name, id or beginning; all are found before the first is touched. */
export async function actOnInstances(
  invocation: Invocation,
  verb: InstanceVerb,
  references: readonly string[],
  flags: VerbFlags,
): Promise<void> {
  const api = invocation.api();
  const instances = await Promise.all(references.map((reference) => findOne(api, instanceNoun, reference)));
  const names = instances.map(({ name }) => name).join(', ');
  const word = flags.cancel ? 'cancel the move of' : verb;
  if (flags.dryRun) return invocation.print(`would ${word}: ${names}`);
  if (flags.cancel) return cancelMoves(invocation, api, instances, flags);
  if (verb === 'delete') await confirm(`delete ${names}?`, flags.yes === true);
  const accepted = await Promise.all(
    instances.map((instance) => api.call<AcceptedView>(callOf(verb, instance, flags))),
  );
  await waitForAll(
    invocation,
    api,
    accepted.flatMap(({ operations }) => operations),
    flags,
  );
  for (const { name } of instances) invocation.print(name);
}

function callOf(verb: InstanceVerb, { id }: InstanceView, flags: VerbFlags): Call {
  if (verb === 'delete') return { method: 'DELETE', path: `/instances/${id}` };
  if (verb === 'resize') return { method: 'POST', path: `/instances/${id}/resize`, body: { instanceType: flags.type } };
  const body = verb === 'migrate' ? { body: migrateBody(flags) } : {};
  return { method: 'POST', path: `/instances/${id}/${verb}`, ...body };
}
