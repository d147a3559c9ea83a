import type { Database } from '@berth/database/database.js';
import { DeadlineRepository } from '@berth/database/deadline.repository.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ResizingRepository } from '@berth/database/resizing.repository.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decideDeadline } from '../../apps/scheduler/src/expire/decide-deadline.js';
import { decidePlacements, type Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { openWorld, type World } from '../world.js';
import { assertInvariants, liveVmmOf, type FixtureNode } from './record-fixture.js';
import { ResizingWorld, tokenId, type Running } from './resizing-world.js';

let world: World;
let database: Database;
let resizing: ResizingWorld;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
  resizing = await ResizingWorld.on(database);
});
/** Nodes of one test are no places of the next. */
afterEach(async () => {
  await assertInvariants(database);
  await database.query('UPDATE node SET cordoned = true');
});
afterAll(() => world.close());

describe('a running instance that restarts for another size', () => {
  it('holds the larger of both until its guest is gone, and then is of the new size at once', async () => {
    const [node] = (await resizing.fixture.addNodes(1, 1_200)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    const operationId = await resizing.resize(one, 'medium');
    expect(await resizing.resize(one, 'medium')).toBe(operationId);
    expect(await resizing.heldMib(node)).toBe(64);
    await resizing.loop.round();
    expect([await resizing.heldMib(node), await resizing.standing(one)]).toMatchObject([
      1_024,
      { state: 'running', type: 'tiny' },
    ]);
    expect(await resizing.dueOf(one)).toMatchObject([
      { name: 'stop-instance', payload: { vmmId: one.vmm.vmmId, delete: false } },
    ]);
    await resizing.gone([one.vmm]);
    await resizing.gone([one.vmm]); // told twice
    expect([await resizing.heldMib(node), await resizing.standing(one)]).toMatchObject([
      1_024,
      { state: 'starting', type: 'medium' },
    ]);
    const next = (await liveVmmOf(database, one.instanceId))!;
    expect(await resizing.dueOf(one)).toMatchObject([
      { name: 'start-instance', payload: { vmm: { vmmId: next.vmmId, generation: 2, vcpus: 2, memoryMib: 1_024 } } },
    ]);
    await resizing.sayReady([next], operationId);
    expect([await resizing.ended(operationId), await resizing.standing(one)]).toMatchObject([
      { state: 'succeeded' },
      { state: 'running' },
    ]);
  });

  it('that shrinks gives back, of node and quota, only when it has shrunk', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    await resizing.resize(one, 'medium');
    await resizing.loop.round();
    await resizing.gone([one.vmm]);
    const medium = { vmm: (await liveVmmOf(database, one.instanceId))! };
    await resizing.sayReady([medium.vmm]);
    const before = await resizing.used();
    await resizing.resize(one, 'tiny');
    await resizing.loop.round();
    expect([await resizing.heldMib(node), await resizing.used()]).toEqual([1_024, before]);
    await resizing.gone([medium.vmm]);
    expect([await resizing.heldMib(node), await resizing.used()]).toEqual([
      64,
      { vcpus: before.vcpus - 1, memory: before.memory - 960 },
    ]);
  });

  it('goes to another node when its own is full, where its place is held while it still runs', async () => {
    const [own, other] = (await resizing.fixture.addNodes(2, 1_050)) as [FixtureNode, FixtureNode];
    const one = await resizing.runningOn(own);
    await resizing.runningOn(own);
    await resizing.resize(one, 'medium');
    await resizing.loop.round();
    expect([await resizing.heldMib(own), await resizing.heldMib(other)]).toEqual([128, 1_024]);
    await resizing.gone([one.vmm]);
    expect([await resizing.heldMib(own), await resizing.heldMib(other)]).toEqual([64, 1_024]);
    expect(await resizing.standing(one)).toMatchObject({
      state: 'starting',
      type: 'medium',
      node: other.node,
      generation: 2,
    });
  });

  it('runs on as it is where nothing fits, and nothing of the try is left', async () => {
    const [node] = (await resizing.fixture.addNodes(1, 1_000)) as [FixtureNode];
    const [one, before] = [await resizing.runningOn(node), await resizing.used()];
    const operationId = await resizing.resize(one, 'medium');
    expect(await resizing.used()).not.toEqual(before);
    await resizing.loop.round();
    expect([await resizing.ended(operationId), await resizing.used(), await resizing.heldMib(node)]).toEqual([
      { state: 'failed', code: 'no-node-fits' },
      before,
      64,
    ]);
    expect(await resizing.standing(one)).toMatchObject({ state: 'running', type: 'tiny', generation: 1 });
  });

  it.each(['before a place is held', 'after it is'])('and is stopped %s: nothing of it is left', async (when) => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const [one, before] = [await resizing.runningOn(node), await resizing.used()];
    const operationId = await resizing.resize(one, 'medium');
    if (when === 'after it is') await resizing.loop.round();
    await new InstanceActionRepository(database).accept({ instanceId: one.instanceId, action: 'stop', tokenId });
    expect([await resizing.ended(operationId), await resizing.heldMib(node), await resizing.used()]).toMatchObject([
      { state: 'cancelled' },
      64,
      before,
    ]);
    await resizing.gone([one.vmm]);
    expect([await resizing.heldMib(node), await resizing.standing(one)]).toMatchObject([
      0,
      { state: 'stopped', type: 'tiny' },
    ]);
  });

  it('whose time is up keeps its size, and starts again when the stop comes late', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    const operationId = await resizing.resize(one, 'medium');
    await resizing.loop.round();
    await database.query(`UPDATE operation SET deadline_at = now() - interval '1 s' WHERE id = $1`, [operationId]);
    await new DeadlineRepository(database, decideDeadline).expire(10);
    expect([await resizing.ended(operationId), await resizing.heldMib(node)]).toEqual([
      { state: 'failed', code: 'deadline-exceeded' },
      64,
    ]);
    expect(await resizing.standing(one)).toMatchObject({ state: 'running', type: 'tiny' });
    await resizing.gone([one.vmm]);
    expect(await resizing.standing(one)).toMatchObject({ state: 'pending', type: 'tiny' });
  });

  it('has the time of a boot under emulation for its start, and no more than any other to stop', async () => {
    await database.query(`UPDATE image SET ready = '{"serial": "login:"}'`);
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    const operationId = await resizing.resize(one, 'medium');
    await resizing.loop.round();
    const secondsLeft = async () => {
      await resizing.dueOf(one);
      const left = `SELECT extract(epoch FROM deadline_at - created_at)::int AS seconds FROM operation WHERE id = $1`;
      return (await database.query<{ seconds: number }>(left, [operationId]))[0]!.seconds;
    };
    expect(await secondsLeft()).toBe(120);
    await resizing.gone([one.vmm]);
    expect(await secondsLeft()).toBe(900);
    await database.query('UPDATE image SET ready = NULL');
  });

  it('whose node is lost with the place on it starts on another, of the new size', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    const operationId = await resizing.resize(one, 'medium');
    await resizing.loop.round();
    const losses = new NodeLossRepository(database);
    const lose = async () => {
      await losses.expire(10_000);
      for (const vmm of await losses.stranded()) await resizing.gone([vmm], 'isolated');
    };
    await database.query(`UPDATE instance SET on_isolation = 'stop' WHERE id = $1`, [one.instanceId]);
    await database.query(`UPDATE node SET last_seen_at = now() - interval '1 h' WHERE id = $1`, [node.nodeId]);
    await lose(); // the vmm of the old size
    expect(await resizing.standing(one)).toMatchObject({ state: 'starting', type: 'medium', node: node.node });
    await lose(); // the next one, which was never there
    const [other] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const waiting = await new PlacementRepository(database).pending<Pending['constraints']>(100);
    const fleet = await new FleetRepository(database).nodes();
    const { proposed } = decidePlacements(
      fleet,
      [],
      waiting.filter((pending) => pending.operationId === operationId),
    );
    await new PlacementRepository(database).commit(proposed);
    expect([await resizing.standing(one), await resizing.heldMib(node)]).toMatchObject([
      { state: 'starting', type: 'medium', node: other.node },
      0,
    ]);
  });

  it('whose guest ends by itself keeps its size if no place was held yet, and else is of the new one', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const [early, late] = [await resizing.runningOn(node), await resizing.runningOn(node)];
    const operationId = await resizing.resize(early, 'medium');
    await resizing.gone([early.vmm], 'killed');
    expect([await resizing.ended(operationId), await resizing.standing(early)]).toMatchObject([
      { state: 'failed', code: 'guest-ended' },
      { state: 'pending', type: 'tiny' },
    ]);
    await resizing.resize(late, 'medium');
    await resizing.loop.round();
    await resizing.gone([late.vmm], 'killed');
    expect(await resizing.standing(late)).toMatchObject({ state: 'starting', type: 'medium' });
  });

  it('whose start meets an accident is started again, and waits for room as long as it takes', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await resizing.runningOn(node);
    const operationId = await resizing.resize(one, 'medium');
    await resizing.loop.round();
    await resizing.gone([one.vmm]);
    await resizing.gone([(await liveVmmOf(database, one.instanceId))!], 'killed');
    const waiting = await new PlacementRepository(database).pending<Pending['constraints']>(100);
    expect(waiting.find((pending) => pending.operationId === operationId)).toMatchObject({
      memoryMib: 1_024,
      vcpus: 2,
    });
    const { failed } = decidePlacements(
      [],
      [],
      waiting.map((pending) => ({ ...pending, waitedMs: 60_000 })),
    );
    expect(failed.filter((one) => one.operationId === operationId)).toEqual([]);
  });
});

describe('a disk that grows under its guest', () => {
  const withDisk = async (node: FixtureNode): Promise<Running> => {
    await database.query(`UPDATE node SET driver = 'tcg', drivers = '{tcg}' WHERE id = $1`, [node.nodeId]);
    await database.query(
      `INSERT INTO image (id, name, os_family, architecture, firmware, format, min_memory_mib, sha256, source,
         size_bytes, virtual_size_bytes)
       SELECT gen_random_uuid(), 'disk-image', os_family, architecture, 'bios', 'qcow2', 32, sha256, '{}', 1, 2147483648
       FROM image WHERE name = 'tiny' ON CONFLICT DO NOTHING`,
    );
    const one = await resizing.runningOn(node);
    const image = `UPDATE instance SET image_id = (SELECT id FROM image WHERE name = 'disk-image') WHERE id = $1`;
    await database.query(image, [one.instanceId]);
    await database.query(`UPDATE vmm SET driver = 'tcg' WHERE id = $1`, [one.vmm.vmmId]);
    return one;
  };

  it('is counted on its node before the node is asked, and is never smaller than the record says', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await withDisk(node);
    const operationId = await resizing.resize(one, undefined, 10);
    await resizing.loop.round();
    const allocated = `SELECT allocated_disk_gib AS gib FROM node WHERE id = $1`;
    expect(await database.query(allocated, [node.nodeId])).toEqual([{ gib: 10 }]);
    expect(await resizing.dueOf(one)).toMatchObject([
      { name: 'grow-disk', payload: { vmmId: one.vmm.vmmId, diskGib: 10 } },
    ]);
    expect(await resizing.standing(one)).toMatchObject({ state: 'running', disk: 10, type: 'tiny', generation: 1 });
    const report = { ...one.vmm, operationId };
    const nodes = new ResizingRepository(database);
    await nodes.grown([report], []);
    expect(await nodes.grown([report], [])).toEqual([]);
    expect(await resizing.ended(operationId)).toMatchObject({ state: 'succeeded' });
  });

  it('that its node cannot show to the guest now has grown all the same, for its next start', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await withDisk(node);
    const operationId = await resizing.resize(one, undefined, 10);
    await resizing.loop.round();
    const problem = { code: 'resize-failed', detail: 'the engine does not answer' } as const;
    await new ResizingRepository(database).grown([], [{ ...one.vmm, operationId, problem }]);
    expect(await resizing.ended(operationId)).toEqual({ state: 'failed', code: 'resize-failed' });
    expect(await resizing.standing(one)).toMatchObject({ state: 'running', disk: 10 });
  });

  it('beyond what its node has is refused, and stays where it is', async () => {
    const [node] = (await resizing.fixture.addNodes(1)) as [FixtureNode];
    const one = await withDisk(node);
    const operationId = await resizing.resize(one, undefined, 101);
    await resizing.loop.round();
    expect([await resizing.ended(operationId), await resizing.standing(one)]).toMatchObject([
      { code: 'no-node-fits' },
      { disk: 0 },
    ]);
  });

  it('of an instance that has one keeps it on its node when its CPUs and memory do not fit there', async () => {
    const [own] = (await resizing.fixture.addNodes(2, 1_000)) as [FixtureNode, FixtureNode];
    const one = await withDisk(own);
    const operationId = await resizing.resize(one, 'medium');
    await resizing.loop.round();
    expect([await resizing.ended(operationId), await resizing.standing(one)]).toMatchObject([
      { code: 'no-node-fits' },
      { state: 'running', type: 'tiny', node: own.node },
    ]);
  });
});
