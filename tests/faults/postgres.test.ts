import { describe, expect, test } from 'vitest';
import type { FaultWorld } from './fault-world.js';
import { withFaultWorld } from './with-fault-world.js';

const downMs = 20_000;

describe('the record', () => {
  let faults: FaultWorld;

  withFaultWorld({ modelNodes: 6 }, (opened) => void (faults = opened));

  test('F22: PostgreSQL stopped at once: what was committed is there, the API says 503 and comes back', async () => {
    const { client } = faults;
    const creating = client.createMany('crash', 20, 200);
    await expect.poll(() => faults.ready(), { timeout: 30_000 }).toBeGreaterThan(3);
    await faults.stopServer('postgres', true);
    expect((await client.call('GET', '/instances')).status).toBe(503);
    await faults.startServer('postgres');
    await expect.poll(async () => (await client.call('GET', '/instances')).status, { timeout: 5_000 }).toBe(200);
    await creating;
    await faults.converge();
    expect(await faults.ready()).toBe(20);
    expect(new Set(client.statuses.keys())).toEqual(new Set([200, 202, 503]));
  });

  test('F23: PostgreSQL away for 20 s under load: every answer is right or 503, all accepted ends', async () => {
    const { client } = faults;
    const creating = client.createMany('gone', 20, 1_000);
    const browsing = client.browse(downMs + 5_000, 100);
    await expect.poll(() => faults.ready(), { timeout: 30_000 }).toBeGreaterThan(1);
    await faults.stopServer('postgres');
    await faults.lasting(downMs);
    await faults.startServer('postgres');
    await Promise.all([creating, browsing]);
    await faults.converge();
    expect(await faults.ready()).toBe(20);
    expect(new Set(client.statuses.keys())).toEqual(new Set([200, 202, 503]));
  });
});
