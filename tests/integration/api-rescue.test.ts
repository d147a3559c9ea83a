import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { nodeLabel } from '@berth/domain/node-state.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addDiskImage, addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let name: string;
let id: string;
let made = 0;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  await addNode(database, 'n1');
  await addDiskImage(database, 'own');
  await addDiskImage(database, 'other', { ready: '"agent"' });
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `i${(made += 1)}`;
  const body = { name, instanceType: 'tiny', image: 'own' };
  id = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body.instances[0]!.id;
  await placeOn(database, 'n1', id);
});

const ask = (action: string, body?: object) =>
  world.call<AcceptedView & ProblemBody>('POST', `/v1/instances/${name}/${action}`, { body });
const get = async () => (await world.call<InstanceView>('GET', `/v1/instances/${name}`)).body;

/** As its node would tell, and the scheduler see. */
async function end(state: 'stopped' | 'pending'): Promise<void> {
  await database.query(
    `WITH fenced AS (
       INSERT INTO fence (id, vmm_id, node_id, method)
       SELECT gen_random_uuid(), id, node_id, 'node-reported' FROM vmm WHERE instance_id = $1)
     UPDATE vmm SET state = 'gone', gone_at = now(), exit_reason = 'stopped' WHERE instance_id = $1`,
    [id],
  );
  await database.query(`UPDATE instance SET state = $2 WHERE id = $1`, [id, state]);
}

test('what runs is ended first, then starts from the other image, on the node of its disk; and back', async () => {
  const { status, body } = await ask('rescue', { image: 'other' });
  expect([status, body.operations[0]!.kind, body.instances[0]!.state]).toEqual([202, 'rescue-instance', 'starting']);
  expect(await get()).toMatchObject({ id, image: 'own', rescueImage: 'other', desiredState: 'running' });
  const due = (await new DispatchRepository(database).claim(10, 1_000)).find(({ instanceId }) => instanceId === id)!;
  expect([due.starts, due.rescueImage, due.image]).toMatchObject([false, { ready: 'agent' }, { kind: 'disk' }]);
  await end('pending');
  await database.query(
    `UPDATE operation SET stage = 'place', next_attempt_at = now() WHERE instance_id = $1 AND ended_at IS NULL`,
    [id],
  );
  const waiting = await new PlacementRepository(database).pending<Pending['constraints']>(100);
  const constraints = { nodeSelector: { [nodeLabel]: 'n1' } };
  expect(waiting.find((one) => one.id === id)).toMatchObject({ constraints, firmware: 'bios' });

  await database.query(
    `UPDATE operation SET state = 'succeeded', stage = 'done', ended_at = now() WHERE ended_at IS NULL`,
  );
  await database.query(`UPDATE instance SET state = 'stopped' WHERE id = $1`, [id]);
  const back = await ask('unrescue');
  expect(back.body.instances[0]).toMatchObject({ state: 'pending', desiredState: 'running', rescueImage: null });
  const kinds = world.call<{ items: { kind: string }[] }>('GET', `/v1/events?instance=${id}&limit=100`);
  const told = (await kinds).body.items.map(({ kind }) => kind);
  expect(told).toEqual(expect.arrayContaining(['InstanceRescuing', 'InstanceUnrescuing']));
});

test('an image that rescues an instance is in use', async () => {
  await addDiskImage(database, 'needed');
  await ask('rescue', { image: 'needed' });
  const { status, body } = await world.call<ProblemBody>('DELETE', '/v1/images/needed');
  expect([status, body.detail]).toEqual([409, `image needed is used by 1 instances: ${name}`]);
});

test.each(['suspend', 'snapshots', 'rebuild', 'clone', 'resize', 'rescue'])(
  'what is rescued refuses to %s, for that would be of the rescue system',
  async (action) => {
    const bodies: Record<string, object> = {
      snapshots: { name: 'one' },
      rescue: { image: 'other' },
      clone: { name: `${name}-copy` },
      resize: { instanceType: 'tiny' },
    };
    await database.query(`UPDATE instance SET rescue_image_id = (SELECT id FROM image WHERE name = 'other')`);
    const { status, body } = await ask(action, bodies[action]);
    expect([status, body.detail, body.next]).toEqual([
      409,
      expect.stringContaining(`instance ${name} is rescued; `),
      'unrescue it first',
    ]);
    await database.query(`UPDATE instance SET rescue_image_id = NULL`);
  },
);

describe('what cannot be is refused, and the instance left alone:', () => {
  test('an image that needs more memory or another engine, or is a diskette, or its own', async () => {
    await addDiskImage(database, 'hungry', { min_memory_mib: 512 });
    await addDiskImage(database, 'diskette', { profile: 'floppy' });
    expect(await refusal({ image: 'hungry' })).toMatch(/^image: hungry needs 512 MiB of memory; i\d+ has 64/);
    expect(await refusal({ image: 'diskette' })).toMatch(/^image: diskette boots from diskette/);
    expect(await refusal({ image: 'own' })).toMatch(/^image: own is what its disk lies over/);
    expect(await refusal({ image: 'nothing' })).toMatch(/there is no image nothing/);
    await database.query(`UPDATE instance SET constraints = '{"drivers": ["v86"]}' WHERE id = $1`, [id]);
    expect(await refusal({ image: 'other' })).toMatch(/needs engine.*tcg.*; i\d+ is held to v86/);
  });

  async function refusal(body: object): Promise<string> {
    const { status, body: problem } = await ask('rescue', body);
    expect([status, problem.errors]).toMatchObject([400, [expect.anything()]]);
    expect(await get()).toMatchObject({ state: 'running', rescueImage: null });
    return problem.detail;
  }

  test('what has no disk, is paused, is not rescued, or nobody knows', async () => {
    expect((await ask('unrescue')).body.detail).toBe(`instance ${name} is not rescued`);
    await database.query(`UPDATE instance SET state = 'paused' WHERE id = $1`, [id]);
    expect((await ask('rescue', { image: 'other' })).body.detail).toMatch(/is paused; rescue needs running or/);
    name = `${name}-memory`;
    await world.call('POST', '/v1/instances', { body: { name, instanceType: 'tiny', image: 'model' } });
    expect((await ask('rescue', { image: 'other' })).body.detail).toMatch(/has no disk: image model is all in memory/);
    name = 'nobody';
    expect((await ask('rescue', { image: 'other' })).status).toBe(404);
  });
});
