import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from './redis-server.js';
import { waitFor } from './wait-for.js';
import { agentSecret, OutlivingDriver, WorkerWorld } from './worker-world.js';

let redis: RedisServer;
let world: WorkerWorld;
let driver: OutlivingDriver;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  world = await WorkerWorld.open(redis);
  driver = new OutlivingDriver();
});
afterEach(() => world.close());

describe('a worker', () => {
  it('tells first which node it is, then that the guest starts, then that it is ready, with rising times', async () => {
    await world.start(driver);
    const order = world.order();
    const operationId = await world.startJob(order);
    const [ready] = await world.untilObserved('vmm-ready', 1);
    const { imageMs, spawnedMs, kernelMs, readyMs } = ready!.timings;
    expect(ready).toMatchObject({ operationId, vmmId: order.vmmId, instanceId: order.instanceId, generation: 1 });
    expect([imageMs, spawnedMs, kernelMs, readyMs]).toEqual(
      [imageMs, spawnedMs, kernelMs, readyMs].sort((a, b) => a! - b!),
    );
    const kinds = (await world.observations()).map(({ kind }) => kind).filter((kind) => kind !== 'nodes-beat');
    expect(kinds).toEqual(['nodes-registered', 'vmm-starting', 'vmm-ready']);
    const [registered] = await world.observed('nodes-registered');
    expect(registered?.nodes[0]).toMatchObject({
      name: 'n1',
      capacity: { cpuMillis: 8_000 },
      allocatable: { cpuMillis: 16_000, memoryMib: 16_384 },
    });
  });

  it('counts the guest and its use, and serves its console to those who know the secret', async () => {
    const worker = await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    const inventory = await waitFor('an inventory with the guest', async () => {
      const beats = await world.observed('nodes-beat');
      return beats.flatMap(({ nodes }) => nodes).find(({ vmms }) => vmms?.[0]?.state === 'running');
    });
    expect(inventory.vmms).toMatchObject([{ vmmId: order.vmmId, generation: 1 }]);
    expect(inventory.usedMemoryMib).toBeGreaterThan(0);

    const path = `${worker.agentUrl}/v1/vmms/${order.vmmId}/console`;
    const headers = { authorization: `Bearer ${agentSecret}` };
    const whole = await fetch(path, { headers });
    const text = await whole.text();
    expect([text, whole.headers.get('berth-next-offset')]).toEqual([expect.stringContaining('web'), `${text.length}`]);
    const part = await fetch(`${path}?offset=6&limit=5`, { headers });
    expect([await part.text(), part.headers.get('berth-next-offset')]).toEqual(['guest', '11']);
    expect((await fetch(path)).status).toBe(401);
    expect((await fetch(`${path}?limit=0`, { headers })).status).toBe(400);
    const unknown = `${worker.agentUrl}/v1/vmms/${order.instanceId}/console`;
    expect((await fetch(unknown, { headers })).status).toBe(404);
    const scrape = await (await fetch(`${worker.agentUrl}/metrics`)).text();
    expect(scrape).toContain('berth_worker_vmms{driver="model",state="running"} 1');
  });

  it('starts one guest for a job that comes five times, and tells how it stands each time', async () => {
    await world.start(driver);
    const order = world.order();
    await Promise.all(Array.from({ length: 5 }, () => world.startJob(order)));
    await waitFor('five answers', async () => {
      const told = [...(await world.observed('vmm-starting')), ...(await world.observed('vmm-ready'))];
      return new Set(told.map(({ operationId }) => operationId)).size === 5;
    });
    expect([driver.starts, (await driver.list()).length]).toEqual([1, 1]);
  });

  it('never starts a guest whose stop came before its start', async () => {
    await world.start(driver);
    const order = world.order();
    await world.stopJob(order);
    await world.untilObserved('vmm-gone', 1);
    await world.startJob(order);
    const [first, again] = await world.untilObserved('vmm-gone', 2);
    expect([first?.exit.reason, again?.exit.reason, driver.starts]).toEqual(['stopped', 'stopped', 0]);
  });

  it('leaves a job of an older generation, and ends the older guest when a newer one comes', async () => {
    await world.start(driver);
    const first = world.order();
    const second = world.order({ instanceId: first.instanceId, generation: 2 });
    await world.startJob(first);
    await world.untilObserved('vmm-ready', 1);
    await world.startJob(second);
    await world.untilObserved('vmm-ready', 2);
    const [gone] = await world.observed('vmm-gone');
    expect(gone).toMatchObject({ vmmId: first.vmmId, generation: 1, exit: { reason: 'superseded' } });
    const late = world.order({ instanceId: first.instanceId, generation: 1 });
    await world.startJob(late);
    const [, left] = await world.untilObserved('vmm-gone', 2);
    expect(left).toMatchObject({ vmmId: late.vmmId, exit: { reason: 'superseded' } });
    expect(driver.starts).toBe(2);
  });

  it('tells a stop in two parts, again to a doubled job, and frees what a deleted guest held', async () => {
    await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    await world.untilObserved('vmm-ready', 1);
    const operationId = await world.stopJob(order, true);
    const [gone] = await world.untilObserved('vmm-gone', 1);
    expect(await world.observed('vmm-stopping')).toMatchObject([{ operationId, vmmId: order.vmmId }]);
    expect(gone).toMatchObject({ operationId, exit: { reason: 'deleted' } });
    await waitFor('the files to be freed', async () => (await driver.list()).length === 0);
    const doubled = await world.stopJob(order, true);
    const [, again] = await world.untilObserved('vmm-gone', 2);
    expect(again).toMatchObject({ operationId: doubled, exit: { reason: 'deleted' } });
  });

  it('reboots a guest once for a doubled job, and tells when it is ready again', async () => {
    await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    await world.untilObserved('vmm-ready', 1);
    const operationId = await world.rebootJob(order);
    const [, ready] = await world.untilObserved('vmm-ready', 2);
    expect(ready).toMatchObject({ operationId, timings: { imageMs: null } });
    expect(ready?.timings.readyMs).toBeGreaterThan(0);
    await world.rebootJob(order, operationId);
    await world.untilObserved('vmm-ready', 3);
    expect(driver.reboots).toBe(1);
  });

  it('pauses a guest and tells each job so, also after a restart; counts it as paused, and lets it go on', async () => {
    const first = await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    await world.untilObserved('vmm-ready', 1);
    const operationId = await world.pauseJob(order, 'pause-instance');
    expect(await world.untilObserved('vmm-paused', 1)).toMatchObject([{ operationId, vmmId: order.vmmId }]);
    await first.stop();
    await world.start(driver);
    await waitFor('an inventory that counts it', async () => {
      const beats = (await world.observed('nodes-beat')).flatMap(({ nodes }) => nodes);
      return beats.find(({ vmms }) => vmms?.[0]?.state === 'paused');
    });
    await world.pauseJob(order, 'pause-instance');
    await world.untilObserved('vmm-paused', 2);
    const resumed = await world.pauseJob(order, 'resume-instance');
    expect(await world.untilObserved('vmm-resumed', 1)).toMatchObject([{ operationId: resumed }]);
    expect((await driver.inspect(order)).state).toBe('running');
    expect(await world.observed('vmm-ready')).toHaveLength(1);
  });

  it('tells within a second that a guest died, and why', async () => {
    driver = new OutlivingDriver({ crashesPerHour: 3_600_000 });
    await world.start(driver);
    await world.startJob(world.order());
    const [gone] = await world.untilObserved('vmm-gone', 1);
    expect(gone).toMatchObject({ exit: { reason: 'crashed', detail: 'the model guest crashed' } });
    const live = (await world.observed('nodes-beat')).at(-1)?.nodes[0]?.vmms ?? [];
    expect(live).toEqual([]);
  });

  it('refuses an image whose bytes are not those of its checksum, also when they change later', async () => {
    await world.start(driver);
    await world.startJob(world.order());
    await world.untilObserved('vmm-ready', 1);
    await appendFile(join(world.folder, 'images', 'initrd'), 'and more');
    const operationId = await world.startJob(world.order());
    const [refused] = await world.untilObserved('job-refused', 1);
    expect(refused).toMatchObject({ operationId, problem: { code: 'image-unavailable' } });
    expect(refused?.problem.detail).toContain('initrd');
    expect(driver.starts).toBe(1);
  });

  it('tells its nodes and its guests again after Redis was emptied', async () => {
    await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    await world.untilObserved('vmm-ready', 1);
    await redis.flushAll();
    await world.untilObserved('nodes-registered', 1);
    const inventory = await waitFor('the guest in an inventory', async () => {
      const beats = await world.observed('nodes-beat');
      return beats.flatMap(({ nodes }) => nodes).find(({ vmms }) => vmms?.length === 1);
    });
    expect(inventory.vmms?.[0]?.vmmId).toBe(order.vmmId);
    await world.stopJob(order);
    await world.untilObserved('vmm-gone', 1, 20_000);
  });

  it('tells what happened while Redis was away as soon as it is back, and takes jobs again', async () => {
    await world.start(driver);
    const order = world.order();
    await world.startJob(order);
    await world.untilObserved('vmm-ready', 1);
    await redis.kill();
    const { vmmId, instanceId, generation } = order;
    await driver.kill({ vmmId, instanceId, generation }, 'isolated');
    await redis.startAgain();
    const [gone] = await world.untilObserved('vmm-gone', 1);
    expect(gone).toMatchObject({ vmmId, exit: { reason: 'isolated' } });
    await waitFor('a job to be taken', () => world.startJob(world.order()).catch(() => undefined));
    await world.untilObserved('vmm-ready', 2, 20_000);
  });

  it('is the only one on its data folder', async () => {
    const first = await world.start(driver);
    await expect(world.start(driver)).rejects.toThrow(/another worker runs on/);
    await first.stop();
    await world.start(driver);
  });
});
