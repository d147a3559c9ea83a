import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { imageBody } from '../image-body.js';
import type { ApiClient } from '../load/client.js';

export interface Busyness {
  /** @throws the first failure of a request that should have worked */
  stop(): Promise<void>;
}

const everyMs = 200;
const fleetSize = 12;

/**
 * A bit of everything a datacenter does, until stopped: creates and deletes, an instance no node can take, a client
 * that waits and one that follows the events. So every panel has something to show.
 */
export async function keepBusy(client: ApiClient): Promise<Busyness> {
  await client.must('POST', '/v1/instance-types', { name: 'too-large', vcpus: 256, memoryMib: 4_194_304 });
  await client.must('POST', '/v1/images', imageBody);
  const stream = await client.open('GET', '/v1/events/stream', undefined, { accept: 'text/event-stream' });
  stream.on('error', () => {}).resume();
  const living: string[] = [];
  const create = (name: string, instanceType: string): Promise<AcceptedView> =>
    client.must('POST', '/v1/instances', { name, instanceType, image: 'model' });
  let round = 0;
  let failure: unknown;
  let turning: Promise<void> = Promise.resolve();
  const turn = async (): Promise<void> => {
    round += 1;
    const { instances, operations } = await create(`busy-${round}`, 'tiny');
    living.push(...instances.map(({ id }) => id));
    void client.call('GET', `/v1/operations/${operations[0]?.id}?wait=5000`);
    if (round % 5 === 1) await create(`too-large-${round}`, 'too-large');
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
      stream.destroy();
      client.close();
      if (failure !== undefined) throw failure;
    },
  };
}
