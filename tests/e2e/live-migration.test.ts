import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { describe, expect, test } from 'vitest';
import type { FaultWorld } from '../faults/fault-world.js';
import type { MigratingWorld } from '../faults/migrating-world.js';
import { withMigratingWorld } from '../faults/with-fault-world.js';
import { waitFor } from '../integration/wait-for.js';
import { CountingDisk } from './counting-disk.js';

/** Real guests on two nodes and model guests on two more, moved by way of the API. */
describe('an instance that is moved', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  withMigratingWorld({ modelNodes: 2 }, (opened) => {
    world = opened;
    faults = opened.faults;
  });

  test.each(['model', 'tcg'])('%s: runs on elsewhere, and was away for less than a second', async (driver) => {
    const before = await world.create(`moved-${driver}`, [driver]);
    const operation = await world.ended(await world.migrate(before.name));
    expect(operation).toMatchObject({ state: 'succeeded', kind: 'migrate-instance', problem: null });
    expect(operation.result?.['downtimeMs']).toBeLessThan(1_000);
    expect(operation.result?.['encrypted']).toBe(driver === 'tcg'); // guests of a model are not sent at all
    const after = await world.get(before.name);
    expect(after).toMatchObject({ state: 'running', generation: before.generation + 1, restartCount: 0 });
    expect(after.node).not.toBe(before.node);
    expect(await world.lostGuests(before)).toBe(0);
    expect(await faults.count(`vmm WHERE state <> 'gone'`)).toBe(1);
    await faults.converge();
  });

  test('a disk that no other node can reach goes along with every write, and is left nowhere else', async () => {
    await CountingDisk.register(faults, ['tcg', 'tcg-2']);
    const before = await world.create('counting', ['tcg'], 'counting');
    const countOn = (node: string) => CountingDisk.countOn(faults, node, before.id);
    await waitFor('the guest to count', async () => ((await countOn(before.node!)) ?? 0) > 50, 30_000);
    const count = (await countOn(before.node!))!;
    expect(await world.ended(await world.migrate(before.name))).toMatchObject({ state: 'succeeded', problem: null });
    const { node } = await world.get(before.name);
    expect(node).not.toBe(before.node);
    await waitFor('the guest to count on', async () => ((await countOn(node!)) ?? 0) > count + 20, 30_000);
    expect(await countOn(before.node!)).toBeUndefined();
    expect(await world.lostGuests(before)).toBe(0);
    const { body } = await faults.client.call('POST', `/instances/${before.name}/stop`);
    await world.ended((body as AcceptedView).operations[0]!.id);
    await faults.client.call('POST', `/instances/${before.name}/start`);
    await waitFor('it to run again', async () => (await world.get(before.name)).state === 'running', 60_000);
    expect((await world.get(before.name)).node).toBe(node);
    await faults.converge();
  });

  test('a move to a node that cannot take it is refused, and the instance runs on', async () => {
    const { name, node } = await world.create('refused', ['tcg']);
    const operation = await world.ended(await world.migrate(name, { node }));
    expect(operation).toMatchObject({ state: 'failed', problem: { code: 'no-node-fits' } });
    expect(await world.get(name)).toMatchObject({ state: 'running', node, generation: 1 });
  });

  test('a drain moves guests while they run: none is restarted', async () => {
    const instances = [await world.create('drained-1', ['tcg']), await world.create('drained-2', ['tcg'])];
    const node = instances[0]!.node!;
    const { body } = await faults.client.call('POST', `/nodes/${node}/drain`);
    expect(await world.ended((body as { id: string }).id)).toMatchObject({ state: 'succeeded' });
    await faults.converge();
    for (const instance of instances) {
      expect(await world.get(instance.name)).toMatchObject({ state: 'running', restartCount: 0 });
      expect((await world.get(instance.name)).node).not.toBe(node);
      expect(await world.lostGuests(instance)).toBe(0);
    }
    await faults.client.call('POST', `/nodes/${node}/uncordon`);
  });
});
