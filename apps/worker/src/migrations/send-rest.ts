import { restPathOf } from '@berth/contracts/agent.js';
import { restAddress } from '@berth/contracts/vmm.js';
import { sendsRest, type RestOrder } from '@berth/engine/abilities.js';
import type { Vmm, VmmMove } from '../vmms/vmm.js';
import { askTarget } from './ask-target.js';

/**
 * What of a guest's memory had not been sent when it left follows it. Resolves to the bytes of it, or to undefined when
 * they do not arrive: the guest is lost then, where it goes on, and its worker there ends it.
 */
export async function sendRest(
  { driver, handle }: Vmm,
  move: Extract<VmmMove, { role: 'source' }>,
  secret: string,
  order: Omit<RestOrder, 'reconnect'>,
): Promise<number | undefined> {
  if (!sendsRest(driver)) return 0;
  const reconnect = async () => {
    const answer = await askTarget(restPathOf, move, secret);
    if (answer?.status === 200) return restAddress.parse(await answer.json());
    if (answer?.status === 409 || answer?.status === 410) throw new Error('the target is gone');
    return undefined;
  };
  return driver.sendRest(handle, { ...order, reconnect }).catch(() => undefined);
}
