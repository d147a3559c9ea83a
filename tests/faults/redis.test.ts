import { queueOf } from '@berth/queue/keys.js';
import { Queue, type Job } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { summarize } from '../load/latency.js';
import type { FaultWorld } from './fault-world.js';
import { withFaultWorld } from './with-fault-world.js';

const downMs = 20_000;

describe('the queue', () => {
  let faults: FaultWorld;

  withFaultWorld({ modelNodes: 6, schedulers: 2 }, (opened) => void (faults = opened));

  test('F21: Redis away for 20 s during 20 creates: all end ready, the API does not notice', async () => {
    const { client } = faults;
    const before = summarize(await client.browse(5_000, 50));
    const creating = client.createMany('away', 20, 500);
    await expect.poll(() => faults.ready(), { timeout: 30_000 }).toBeGreaterThan(2);
    await faults.stopServer('redis');
    const during = summarize(await client.browse(downMs, 50));
    expect(await faults.ready()).toBeLessThan(20);
    await faults.startServer('redis');
    await creating;
    const healedMs = await faults.converge();
    process.stdout.write(
      `F21: p99 ${before.p99Ms} ms before, ${during.p99Ms} ms while Redis is away; healed after ${healedMs} ms\n`,
    );
    expect(await faults.ready()).toBe(20);
    expect(new Set(client.statuses.keys())).toEqual(new Set([200, 202]));
    expect(client.statuses.get(202)).toBe(20);
    expect(during.p99Ms).toBeLessThan(3 * before.p99Ms + 50);
  });

  test('F3: a scheduler killed between commit and dispatch: another hands them out within 20 s', async () => {
    await faults.stopServer('redis'); // a commit then cannot be followed by its dispatch
    await faults.client.createMany('between', 10, 0);
    await expect.poll(() => faults.count(`vmm WHERE state = 'scheduled'`), { timeout: 20_000 }).toBe(10);
    for (const name of faults.namesOf('scheduler')) await faults.kill(name);
    await faults.startServer('redis');
    await faults.start('scheduler');
    await expect.poll(() => faults.ready(), { timeout: 20_000 }).toBe(10);
    await faults.converge();
  });

  test('F4: two schedulers put 120 instances where 128 fit: none twice, no node above its allocatable', async () => {
    await faults.client.createMany('both', 120, 5);
    await faults.converge();
    expect(await faults.ready()).toBe(120);
    expect(await faults.count('vmm WHERE generation > 1')).toBe(0);
  });

  test('F27: jobs that come thrice, in reverse, and after their instance was deleted: to no effect', async () => {
    faults.pauseProcess('worker');
    await faults.client.createMany('thrice', 10, 0);
    const jobs = await untilQueued(10);
    faults.resume('worker');
    const doubled = [...jobs, ...jobs, ...jobs].toReversed();
    await addAgain(doubled);
    await faults.converge();
    expect(await faults.ready()).toBe(10);
    expect(await faults.count(`vmm WHERE instance_id IN (SELECT id FROM instance WHERE name LIKE 'thrice-%')`)).toBe(
      10,
    );
    for (const asked of faults.client.asked) await faults.client.delete(asked);
    await faults.converge();
    await addAgain(doubled);
    await faults.lasting(6_000); // an inventory says what lives
    await faults.converge();
    expect(await faults.ready()).toBe(0);
    expect(await faults.count(`event WHERE kind = 'OrphanKilled'`)).toBe(0);
  });

  test('F28: a job that breaks its contract: its operation fails and says so, the queue goes on', async () => {
    faults.pauseProcess('worker');
    const [broken] = await faults.client.createMany('poison', 1, 0);
    const [job] = await untilQueued(1);
    const data = { ...job!.data, vmm: { ...job!.data.vmm, driver: 'none' } };
    await withQueue(async (queue) => {
      await queue.drain();
      await queue.addBulk([
        { name: 'no-such-job', data: {} },
        { name: job!.name, data },
      ]);
    });
    faults.resume('worker');
    const problem = `operation WHERE id = '${[...broken!.operationIds][0]}' AND problem ->> 'code' = 'invalid-job'`;
    await expect.poll(() => faults.count(problem), { timeout: 8_000 }).toBe(1);
    await faults.client.createMany('after', 3, 0);
    await faults.converge();
    expect(await faults.ready()).toBe(3);
  });

  async function withQueue<T>(work: (queue: Queue) => Promise<T>): Promise<T> {
    return faults.withRedis(async (connection) => {
      const queue = new Queue(queueOf('model'), { connection, prefix: faults.world.keyPrefix });
      try {
        return await work(queue);
      } finally {
        await queue.close();
      }
    });
  }

  async function untilQueued(count: number): Promise<readonly Job[]> {
    return withQueue(async (queue) => {
      const waiting = async (): Promise<Job[]> => queue.getJobs(['waiting', 'prioritized', 'active']);
      await expect.poll(async () => (await waiting()).length, { timeout: 5_000 }).toBeGreaterThanOrEqual(count);
      return waiting();
    });
  }

  async function addAgain(jobs: readonly Job[]): Promise<void> {
    const copies = jobs.map(({ name, data, id }, index) => ({ name, data, opts: { jobId: `${id}.again.${index}` } }));
    await withQueue((queue) => queue.addBulk(copies));
  }
});

describe('many at once', () => {
  let faults: FaultWorld;

  withFaultWorld({ modelNodes: 10 }, (opened) => void (faults = opened));

  test('F49: 200 creates, then 200 deletes: all end, nothing is left', async () => {
    await faults.client.createMany('herd', 200, 0);
    await faults.converge();
    expect(await faults.ready()).toBe(200);
    await faults.release();
    expect(faults.client.serverErrors).toBe(0);
  });
});
