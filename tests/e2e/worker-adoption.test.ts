import type { Observed } from '@berth/engine/driver.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../../apps/cli/src/servers/server-process.js';
import { RedisServer } from '../integration/redis-server.js';
import { waitFor } from '../integration/wait-for.js';
import { WorkerWorld } from '../integration/worker-world.js';
import { startRealWorker, tinyGuestSource, withGuestsOf } from './real-worker.js';

const bootTimeoutMs = 60_000;
const heartbeatGapMaxMs = 2_000;
const noticedWithinMs = 5_000;

let redis: RedisServer;
let world: WorkerWorld;
let worker: ServerProcess;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  world = await WorkerWorld.open(redis);
  worker = await startRealWorker(world);
});
afterEach(async () => {
  await worker.stop();
  await withGuestsOf(world, async (driver, seen) => {
    for (const { handle } of seen) await driver.release(handle);
  });
  await world.close();
});

async function startGuests(count: number) {
  const image = await tinyGuestSource(world);
  for (let index = 0; index < count; index++) {
    await world.startJob(world.order({ driver: 'tcg', image, instanceName: `guest-${index}` }));
  }
  return world.untilObserved('vmm-ready', count, bootTimeoutMs);
}

describe('real guests', () => {
  it('go on when their worker is killed; the next one adopts all 5, and no heartbeat gaps more than 2 s', async () => {
    const ready = await startGuests(5);
    const pidOf = new Map(ready.map(({ vmmId, pid }) => [vmmId, pid]));
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    worker = await startRealWorker(world);

    const adopted = await world.untilObserved('vmm-adopted', 5);
    expect(new Map(adopted.map(({ vmmId, pid }) => [vmmId, pid]))).toEqual(pidOf);
    const inventory = await waitFor('the inventory after it', async () => {
      const observations = await world.observations();
      const since = observations.slice(observations.findIndex(({ kind }) => kind === 'vmm-adopted'));
      const nodes = since.flatMap((told) => (told.kind === 'nodes-beat' ? told.nodes : []));
      return nodes.find(({ vmms }) => vmms?.length === 5);
    });
    expect(inventory.vmms?.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'running'));
    expect(await world.observed('vmm-gone')).toEqual([]);

    await worker.stop();
    await withGuestsOf(world, async (_, seen) => {
      expect(seen.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'running'));
      for (const { heartbeat } of seen) expect(heartbeat?.longestGapMs).toBeLessThanOrEqual(heartbeatGapMaxMs);
    });
  });

  it('are missed within 5 s of a kill -9, and the signal is named', async () => {
    const [ready] = await startGuests(1);
    const killedAt = performance.now();
    process.kill(ready!.pid!, 'SIGKILL');
    const [gone] = await world.untilObserved('vmm-gone', 1, noticedWithinMs);
    expect(performance.now() - killedAt).toBeLessThan(noticedWithinMs);
    expect(gone).toMatchObject({
      vmmId: ready?.vmmId,
      exit: { reason: 'killed', detail: expect.stringContaining('SIGKILL') },
    });
  });

  it('reboot within their vmm, stop when asked, and are ready in rising phases', async () => {
    const [ready] = await startGuests(1);
    const { imageMs, spawnedMs, kernelMs, readyMs } = ready!.timings;
    const phases = [imageMs, spawnedMs, kernelMs, readyMs];
    expect(phases.every((phase) => phase !== null && phase >= 0)).toBe(true);
    expect(phases).toEqual([...phases].sort((a, b) => a! - b!));
    const order = world.order(ready);
    await world.rebootJob(order);
    const [, again] = await world.untilObserved('vmm-ready', 2, bootTimeoutMs);
    expect(again?.pid).toBe(ready?.pid);
    await world.stopJob(order, true);
    const [gone] = await world.untilObserved('vmm-gone', 1, bootTimeoutMs);
    expect(gone?.exit.reason).toBe('deleted');
    // a template of the node's own may just be made, or just have been
    const isGuest = ({ handle }: Observed): boolean => handle.instanceId === order.instanceId;
    await withGuestsOf(world, async (_, seen) => expect(seen.filter(isGuest)).toEqual([]));
  });
});
