import { seededRandom } from '@berth/simulation/random.js';
import { describe, expect, test } from 'vitest';
import type { FaultWorld } from './fault-world.js';
import { withFaultWorld } from './with-fault-world.js';

/** The bars that every change is held to; model nodes, for it is the control plane that is tried. */
describe('twenty creates', () => {
  let faults: FaultWorld;
  const random = seededRandom(20);

  withFaultWorld({ modelNodes: 6 }, (opened) => void (faults = opened));

  test('F19: Redis emptied in the middle of them: all end ready, the API never answers 5xx', async () => {
    const before = faults.client.createMany('before', 12, 50);
    await expect.poll(() => faults.ready(), { timeout: 30_000, interval: 5 }).toBeGreaterThan(3);
    await faults.flushRedis();
    await Promise.all([before, faults.client.createMany('after', 8, 50)]);
    await faults.converge();
    expect(await faults.ready()).toBe(20);
    expect(faults.client.statuses).toEqual(new Map([[202, 20]]));
  });

  test('F1-F3: scheduler and API killed at random during them: each accepted one ends ready, once', async () => {
    const creating = faults.client.createMany('kill', 20, 250);
    for (let round = 0; round < 4; round++) {
      await faults.lasting(random.next() * 300);
      await faults.restart(round % 2 === 0 ? 'scheduler' : 'api');
    }
    await creating;
    await faults.converge();
    expect(await faults.ready()).toBe(20);
    expect(await faults.count(`vmm WHERE state <> 'gone'`)).toBe(20);
    expect(faults.client.serverErrors).toBe(0);
  });

  test('F48: deleted at random moments of their start, nothing of them is left', async () => {
    const creating = Array.from({ length: 20 }, async (_, index) => {
      const asked = await faults.client.create(`cancel-${index}`);
      await faults.lasting(random.next() * 600);
      await faults.client.delete(asked);
    });
    await Promise.all(creating);
    await faults.converge();
    expect(await faults.count(`instance WHERE name LIKE 'cancel-%' AND state <> 'deleted'`)).toBe(0);
    expect(await faults.count(`vmm WHERE state <> 'gone'`)).toBe(0);
  });
});
