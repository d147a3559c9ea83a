import { randomUUID } from 'node:crypto';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { guestAccessOf } from './guest-access.js';
import { acceptAndShow, instanceCounts } from './instance-create.js';
import type { OutputFlags } from './list.js';
import type { WaitFlags } from './wait.js';
import { wholeNumber } from './whole-number.js';

export interface CloneFlags extends OutputFlags, WaitFlags {
  readonly count?: string;
  readonly userData?: string;
  readonly idempotencyKey?: string;
}

export async function cloneInstance(
  invocation: Invocation,
  reference: string,
  name: string,
  flags: CloneFlags,
): Promise<void> {
  const { userData } = flags;
  const count = wholeNumber('--count', flags.count, instanceCounts);
  const { id } = await findOne(invocation.api(), instanceNoun, reference);
  const told = await guestAccessOf(userData === undefined ? {} : { userData });
  const body = { name, count, ...told };
  // The key makes a second try after a lost answer safe; it is new for each command.
  const headers = { 'idempotency-key': flags.idempotencyKey ?? randomUUID() };
  await acceptAndShow(invocation, { method: 'POST', path: `/instances/${id}/clone`, body, headers }, flags);
}
