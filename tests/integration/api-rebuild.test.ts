import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
  await addDiskImage(database, 'first');
  await addDiskImage(database, 'second');
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `i${(made += 1)}`;
  const body = { name, instanceType: 'tiny', image: 'first', ports: [22], userData: 'of before' };
  id = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body.instances[0]!.id;
  await placeOn(database, 'n1', id);
});

const rebuild = (body?: object) =>
  world.call<AcceptedView & ProblemBody>('POST', `/v1/instances/${name}/rebuild`, { body });
const get = async () => (await world.call<InstanceView>('GET', `/v1/instances/${name}`)).body;
const seed = async () =>
  (await database.query('SELECT ssh_keys, user_data FROM instance_seed WHERE instance_id = $1', [id]))[0];

test('what runs is ended first, then starts from a new disk; what it is called and reached by stays', async () => {
  const before = await get();
  const { status, body } = await rebuild();
  expect([status, body.operations[0]!.kind, body.instances[0]!.state]).toEqual([202, 'rebuild-instance', 'starting']);
  const { imageId, ports, instanceType, node } = before;
  expect(await get()).toMatchObject({ id, name, imageId, ports, instanceType, node, desiredState: 'running' });
  const [row] = await database.query(
    `SELECT o.stage, i.rebuild_count FROM operation o JOIN instance i ON i.id = o.instance_id WHERE o.id = $1`,
    [body.operations[0]!.id],
  );
  expect(row).toEqual({ stage: 'dispatch', rebuild_count: 1 });
  expect(await seed()).toEqual({ ssh_keys: [], user_data: 'of before' });
  const again = await rebuild({ image: 'second' });
  expect([again.status, again.body.next]).toEqual([409, expect.stringContaining('wait for operation')]);
});

test('another image and other user data take the place of those before', async () => {
  await rebuild({ image: 'second', userData: 'of now' });
  expect((await get()).image).toBe('second');
  expect(await seed()).toEqual({ ssh_keys: [], user_data: 'of now' });
});

test('what is stopped is placed at once', async () => {
  await database.query(
    `WITH fenced AS (
       INSERT INTO fence (id, vmm_id, node_id, method)
       SELECT gen_random_uuid(), id, node_id, 'node-reported' FROM vmm WHERE instance_id = $1)
     UPDATE vmm SET state = 'gone', gone_at = now(), exit_reason = 'stopped', ready_at = now() WHERE instance_id = $1`,
    [id],
  );
  await database.query(`UPDATE instance SET state = 'stopped', desired_state = 'stopped' WHERE id = $1`, [id]);
  const { body } = await rebuild();
  expect(body.instances[0]).toMatchObject({ state: 'pending', desiredState: 'running' });
});

describe('what cannot be is refused, and the disk it has is left alone:', () => {
  test('an image that needs more memory or disk', async () => {
    await addDiskImage(database, 'hungry', { min_memory_mib: 512 });
    await addDiskImage(database, 'large', { min_disk_gib: 9 });
    expect(await refusal({ image: 'hungry' })).toMatch(/^image: hungry needs 512 MiB of memory; i\d+ has 64/);
    expect(await refusal({ image: 'large' })).toMatch(/^image: large needs 9 GiB of disk; i\d+ has 0/);
  });

  test('an image that no engine the instance is held to can boot', async () => {
    await database.query(`UPDATE instance SET constraints = '{"drivers": ["v86"]}' WHERE id = $1`, [id]);
    expect(await refusal({ image: 'second' })).toMatch(
      /^image: second \(x86_64, bios\).*needs engine.*tcg.*; i\d+ is held to v86/,
    );
  });

  test('an image that no node has an engine for', async () => {
    await database.query(`UPDATE node SET drivers = '{v86}'`);
    expect(await refusal({ image: 'second' })).toMatch(/no node that is up offers one/);
    await database.query(`UPDATE node SET drivers = '{tcg}'`);
  });

  test('an image that is not there, one that has no network for its ports, and data that is too long', async () => {
    expect(await refusal({ image: 'nothing' })).toMatch(/there is no image nothing/);
    expect(await refusal({ image: 'model' })).toMatch(/^ports: .*without a network/);
    expect(await refusal({ userData: 'x'.repeat(65_537) })).toMatch(/^userData.*at most 65536 bytes/);
  });

  /** Field and message. */
  async function refusal(body: object): Promise<string> {
    const { status, body: problem } = await rebuild(body);
    expect([status, problem.errors]).toMatchObject([400, [expect.anything()]]);
    expect(await get()).toMatchObject({ state: 'running', image: 'first' });
    return problem.detail;
  }

  test('what is paused, or nobody knows', async () => {
    await database.query(`UPDATE instance SET state = 'paused' WHERE id = $1`, [id]);
    const { status, body } = await rebuild();
    expect([status, body.detail]).toEqual([
      409,
      `instance ${name} is paused; rebuild needs running or stopped or failed`,
    ]);
    name = 'nobody';
    expect((await rebuild()).status).toBe(404);
  });
});
