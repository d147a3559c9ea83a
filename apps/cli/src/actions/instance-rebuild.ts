import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { confirm } from '../output/confirm.js';
import { guestAccessOf, type AccessFlags } from './guest-access.js';
import { waitForAll, type WaitFlags } from './wait.js';

export interface RebuildFlags extends WaitFlags, Omit<AccessFlags, 'port'> {
  readonly image?: string;
  readonly yes?: true;
}

/** What its disk holds is lost, so it is asked first. */
export async function rebuildInstance(invocation: Invocation, reference: string, flags: RebuildFlags): Promise<void> {
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  const body = { image: flags.image, ...(await guestAccessOf(flags)) };
  await confirm(`give ${name} a new disk, and lose what is on the one it has?`, flags.yes === true);
  const { operations } = await api.call<AcceptedView>({ method: 'POST', path: `/instances/${id}/rebuild`, body });
  await waitForAll(invocation, api, operations, flags);
  invocation.print(name);
}
