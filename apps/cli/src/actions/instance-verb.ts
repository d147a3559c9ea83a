import type { InstanceView, ResizeResult } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { diskGibMax } from '@berth/domain/limits.js';
import { findOne } from '../client/find-one.js';
import type { Call } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { confirm } from '../output/confirm.js';
import { migrateBody, type MigrateFlags } from './migrate-body.js';
import { cancelMoves } from './operation-cancel.js';
import { waitForAll, type WaitFlags } from './wait.js';
import { wholeNumber } from './whole-number.js';

export type InstanceVerb =
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'suspend'
  | 'resume'
  | 'resize'
  | 'migrate'
  | 'rescue'
  | 'unrescue'
  | 'delete';

export interface VerbFlags extends WaitFlags, MigrateFlags {
  readonly yes?: true;
  readonly dryRun?: true;
  /** Of a resize: what it becomes, and how. */
  readonly type?: string;
  readonly disk?: string;
  readonly restart?: true;
  /** Of a rescue: what it boots from. */
  readonly image?: string;
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
  const ended = await waitForAll(
    invocation,
    api,
    accepted.flatMap(({ operations }) => operations),
    flags,
  );
  if (verb === 'resize') tellWays(invocation, ended);
  for (const { name } of instances) invocation.print(name);
}

function callOf(verb: InstanceVerb, { id }: InstanceView, flags: VerbFlags): Call {
  if (verb === 'delete') return { method: 'DELETE', path: `/instances/${id}` };
  if (verb === 'resize') return { method: 'POST', path: `/instances/${id}/resize`, body: sizeOf(flags) };
  if (verb === 'rescue') return { method: 'POST', path: `/instances/${id}/rescue`, body: { image: flags.image } };
  const body = verb === 'migrate' ? { body: migrateBody(flags) } : {};
  return { method: 'POST', path: `/instances/${id}/${verb}`, ...body };
}

/** What each has become, and what that took of it. */
function tellWays(invocation: Invocation, operations: readonly OperationView[]): void {
  for (const { instanceName, state, result } of operations) {
    if (state !== 'succeeded') continue; // not waited for
    const { way, from, to } = result as Partial<ResizeResult>;
    invocation.tell(`${instanceName}: ${from} becomes ${to} (${way})`);
  }
}

function sizeOf({ type, disk, restart }: VerbFlags): object {
  const diskGib = wholeNumber('--disk', disk, { unit: 'GiB', max: diskGibMax, example: 20 });
  return {
    restart: restart === true,
    ...(type !== undefined && { instanceType: type }),
    ...(diskGib !== undefined && { diskGib }),
  };
}
