import { describe, expect, test } from 'vitest';
import type { FaultWorld } from './fault-world.js';
import { withFaultWorld } from './with-fault-world.js';

describe('an API that dies in a request', () => {
  let faults: FaultWorld;

  withFaultWorld({ modelNodes: 2 }, (opened) => void (faults = opened));

  const rows = (name: string): Promise<{ id: string }[]> =>
    faults.query<{ id: string }>('SELECT id FROM instance WHERE name = $1', [name]);

  test('F1: after the commit: the same request gets the instance that was made', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `committed-${round}`;
      const creating = faults.client.create(name);
      await expect.poll(() => rows(name), { timeout: 10_000, interval: 1 }).toHaveLength(1);
      await faults.kill('api');
      await faults.start('api');
      const asked = await creating;
      await faults.client.createAgain(asked);
      expect([...asked.instanceIds]).toEqual((await rows(name)).map(({ id }) => id));
    }
    await faults.converge();
  });

  test('F2: before the commit: nothing of it exists, and the same request makes one', async () => {
    const holder = await faults.database.pool.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE instance IN SHARE ROW EXCLUSIVE MODE');
    const creating = faults.client.create('uncommitted');
    const waiting = `pg_stat_activity WHERE application_name = 'berth-api' AND wait_event_type = 'Lock'`;
    await expect.poll(() => faults.count(waiting), { timeout: 3_000, interval: 5 }).toBeGreaterThan(0);
    await faults.kill('api');
    await holder.query('ROLLBACK');
    holder.release();
    await expect.poll(() => faults.count(`pg_stat_activity WHERE application_name = 'berth-api'`)).toBe(0);
    expect(await rows('uncommitted')).toEqual([]);
    await faults.start('api');
    const asked = await creating;
    expect([...asked.instanceIds]).toEqual((await rows('uncommitted')).map(({ id }) => id));
    await faults.converge();
  });
});
