import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { FaultWorld } from '../faults/fault-world.js';
import { MigratingWorld } from '../faults/migrating-world.js';

/** Real guests on two nodes and model guests on two more, moved by way of the API. */
describe('an instance that is moved', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  beforeAll(async () => {
    faults = await FaultWorld.open({ modelNodes: 2, tcgNodes: 2 });
    world = new MigratingWorld(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults.history.tell())));
  afterEach(() => faults.release());
  afterAll(() => faults?.close());

  test.each(['model', 'tcg'])('%s: runs on elsewhere, and was away for less than a second', async (driver) => {
    const before = await world.create(`moved-${driver}`, [driver]);
    const operation = await world.ended(await world.migrate(before.name));
    expect(operation).toMatchObject({ state: 'succeeded', kind: 'migrate-instance', problem: null });
    expect(operation.result?.['downtimeMs']).toBeLessThan(1_000);
    const after = await world.get(before.name);
    expect(after).toMatchObject({ state: 'running', generation: before.generation + 1, restartCount: 0 });
    expect(after.node).not.toBe(before.node);
    expect(await world.lostGuests(before)).toBe(0);
    expect(await faults.count(`vmm WHERE state <> 'gone'`)).toBe(1);
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
