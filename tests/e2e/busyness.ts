import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import type { Datacenter } from '../datacenter.js';
import { imageBody } from '../image-body.js';
import { ApiClient } from '../load/client.js';

export interface Busyness {
  /** @throws the first failure of a request that should have worked */
  stop(): Promise<void>;
}

const everyMs = 200;
const fleetSize = 12;

/**
 * A bit of everything a datacenter does, until stopped: creates, deletes and moves, an instance no node can take, a
 * client that waits and one that follows the events. So every panel has something to show.
 */
export async function keepBusy({ endpoint, token }: Datacenter): Promise<Busyness> {
  const client = new ApiClient(endpoint, token);
  await registerCatalogue(new HttpClient(endpoint, token));
  await client.must('POST', '/v1/instance-types', { name: 'too-large', vcpus: 256, memoryMib: 4_194_304 });
  await client.must('POST', '/v1/images', imageBody);
  const stream = await client.open('GET', '/v1/events/stream', undefined, { accept: 'text/event-stream' });
  stream.on('error', () => {}).resume();
  const living: string[] = [];
  const create = (name: string, driver: string, instanceType = 'tiny'): Promise<AcceptedView> => {
    const image = driver === 'model' ? imageBody.name : 'tiny';
    return client.must('POST', '/v1/instances', { name, instanceType, image, placement: { drivers: [driver] } });
  };
  await create('real', 'tcg');
  const waits: Promise<unknown>[] = [];
  let round = 0;
  let failure: unknown;
  let turning: Promise<void> = Promise.resolve();
  const turn = async (): Promise<void> => {
    round += 1;
    const { instances, operations } = await create(`busy-${round}`, 'model');
    living.push(...instances.map(({ id }) => id));
    waits.push(client.call('GET', `/v1/operations/${operations[0]?.id}?wait=2000`));
    // of middle age: it runs by now, and is not deleted before it has arrived
    const moving = living[Math.trunc(living.length / 2)];
    if (round % 5 === 0) await client.call('POST', `/v1/instances/${moving}/migrate`, {});
    if (round % 5 === 1) await create(`too-large-${round}`, 'model', 'too-large');
    if (living.length > fleetSize) await client.must('DELETE', `/v1/instances/${living.shift()}`);
  };
  const timer = setInterval(() => {
    turning = turning.then(turn).catch((error: unknown) => {
      failure ??= error;
    });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await turning;
      await Promise.all(waits);
      stream.destroy();
      client.close();
      if (failure !== undefined) throw failure;
    },
  };
}
