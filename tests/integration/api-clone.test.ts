import { randomUUID } from 'node:crypto';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { CloneRepository } from '@berth/database/clone.repository.js';
import type { Database } from '@berth/database/database.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import { nodeLabel } from '@berth/domain/node-state.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decideClone } from '../../apps/scheduler/src/clone/decide-clone.js';
import type { Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { imageBody } from '../image-body.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let clones: CloneRepository;
let snapshots: SnapshotRepository;
let id: string;
let name: string;
let made = 0;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  clones = new CloneRepository(database, decideClone);
  snapshots = new SnapshotRepository(database);
  await addNode(database, 'n1');
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `i${(made += 1)}`;
  const placement = { group: { name: 'apart', policy: 'anti-affinity' }, nodeSelector: { disk: 'ssd' } };
  const body = { name, instanceType: 'tiny', image: 'model', labels: { of: name }, placement };
  id = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body.instances[0]!.id;
  await placeOn(database, 'n1', id);
});

const ask = (asked: object = {}, headers: Record<string, string> = {}) =>
  world.call<AcceptedView & ProblemBody>('POST', `/v1/instances/${name}/clone`, {
    body: { name: `${name}-copy`, ...asked },
    headers,
  });
const get = (one: string) => world.call<InstanceView & ProblemBody>('GET', `/v1/instances/${one}`);
const operation = async (one: string) => (await world.call<OperationView>('GET', `/v1/operations/${one}`)).body;
const snapshotRows = () =>
  database.query<{ id: string; state: string; has_memory: boolean; operation_id: string }>(
    'SELECT id, state, has_memory, operation_id FROM snapshot WHERE instance_id = $1 AND for_clones',
    [id],
  );
const desiredOf = async (one: string) =>
  (await database.query<{ desired_state: string }>('SELECT desired_state FROM instance WHERE id = $1', [one]))[0]!
    .desired_state;

/** As the source's node would tell. */
async function taken(): Promise<void> {
  const [snapshot] = (await snapshotRows()).filter(({ state }) => state === 'creating');
  await snapshots.report([{ snapshotId: snapshot!.id, sizeBytes: 7, pausedMs: 5 }], []);
}
const pendingOf = async (one: string) =>
  (await new PlacementRepository(database).pending<Pending['constraints']>(100)).find((asked) => asked.id === one);

test('clones are what their source is, wait for one snapshot of it, and then go to its node', async () => {
  const { status, body } = await ask({ count: 2 });
  const [first, second] = body.instances;
  expect([status, body.operations.map(({ kind, result }) => [kind, result])]).toEqual([
    202,
    [1, 2].map(() => ['clone-instance', { clonedFrom: id, from: 'memory' }]),
  ]);
  const source = (await get(name)).body;
  const { instanceType, imageId, labels, restartPolicy } = source;
  const reason = `waits for a copy of ${name}`;
  expect(first).toMatchObject({ name: `${name}-copy-1`, instanceType, imageId, labels, restartPolicy, reason });
  expect(first!.placement).toEqual({ nodeSelector: { disk: 'ssd' } });
  expect((await get(first!.id)).body).toEqual(first);

  expect(await pendingOf(first!.id)).toBeUndefined();
  expect(await clones.begin(10)).toMatchObject({ kept: 2, ended: [] });
  expect(await clones.begin(10)).toMatchObject({ kept: 0 });
  expect(await snapshotRows()).toMatchObject([{ state: 'creating', has_memory: true }]);
  expect(await pendingOf(first!.id)).toBeUndefined();
  await taken();
  for (const clone of [first!, second!]) {
    const constraints = { nodeSelector: { disk: 'ssd', [nodeLabel]: 'n1' }, drivers: ['tcg'] };
    expect(await pendingOf(clone.id)).toMatchObject({ constraints });
  }
});

test('what is asked for while a snapshot is made gets one of its own, for it may lack the latest', async () => {
  await ask({ name: `${name}-early` });
  await clones.begin(10);
  const late = await ask({ name: `${name}-late` });
  expect(await clones.begin(10)).toMatchObject({ kept: 0, ended: [] });
  await taken();
  expect(await pendingOf(late.body.instances[0]!.id)).toBeUndefined();
  expect(await clones.begin(10)).toMatchObject({ kept: 1 });
  expect(await snapshotRows()).toHaveLength(2);
});

test('a snapshot for clones is nothing else, and goes when the last has begun or ended, not before', async () => {
  const { body } = await ask({ count: 2 });
  await clones.begin(10);
  await taken();
  const snapshotId = (await snapshotRows())[0]!.id;
  const path = `/v1/instances/${name}`;
  const removed = await world.call<ProblemBody>('DELETE', `${path}/snapshots/${snapshotId}`);
  expect([removed.status, removed.body.detail]).toEqual([409, expect.stringContaining('in use by clone-instance')]);
  const restored = await world.call<ProblemBody>('POST', `${path}/restore`, { body: { snapshot: snapshotId } });
  expect([restored.status, restored.body.detail]).toEqual([409, expect.stringContaining('for clones only')]);
  for (const [nth, { id: clone }] of body.instances.entries()) {
    await clones.release();
    expect([nth, (await snapshotRows())[0]!.state]).toEqual([nth, 'ready']);
    await database.query(`UPDATE instance SET state = 'deleted', deleted_at = now() WHERE id = $1`, [id]);
    expect(await snapshots.unwanted([snapshotId])).toEqual([]);
    await database.query(`UPDATE instance SET state = 'running', deleted_at = NULL WHERE id = $1`, [id]);
    await placeOn(database, 'n1', clone);
  }
  await clones.release();
  expect((await snapshotRows())[0]!.state).toBe('deleted');
  expect(await snapshots.unwanted([snapshotId])).toEqual([snapshotId]);
});

test.each<[string, (of: { operation_id: string }) => Promise<unknown>, RegExp]>([
  [
    'whose source could not be kept',
    ({ operation_id }) =>
      snapshots.report([], [{ operationId: operation_id, problem: { code: 'snapshot-failed', detail: 'no space' } }]),
    /could not be kept as it was: no space/,
  ],
  ['whose source was stopped meanwhile', () => world.call('POST', `/v1/instances/${name}/stop`), /it was cancelled/],
])('a clone %s ends, and is to be deleted', async (_, fail, detail) => {
  const { body } = await ask();
  await clones.begin(10);
  await fail((await snapshotRows())[0]!);
  expect(await clones.begin(10)).toMatchObject({ kept: 0, ended: [{ kind: 'clone-instance', state: 'failed' }] });
  const { state, problem } = await operation(body.operations[0]!.id);
  expect([state, problem]).toMatchObject(['failed', { code: 'clone-failed', detail: expect.stringMatching(detail) }]);
  expect(await desiredOf(body.instances[0]!.id)).toBe('deleted');
});

test('a clone that no node can take is to be deleted too', async () => {
  const { body } = await ask();
  await clones.begin(10);
  await taken();
  const [instance, { id: operationId }] = [body.instances[0]!, body.operations[0]!];
  const problem = { code: 'no-node-fits', detail: 'full' } as const;
  await new PlacementRepository(database).fail([{ operationId, instanceId: instance.id, problem }]);
  expect([(await operation(operationId)).state, await desiredOf(instance.id)]).toEqual(['failed', 'deleted']);
});

test('50 parallel clones against a quota of 10 make exactly 10', async () => {
  await database.query('UPDATE quota SET max_instances = used_instances + 10');
  const answers = await Promise.all(Array.from({ length: 50 }, (_, nth) => ask({ name: `${name}-${nth}` })));
  const [accepted, refused] = [202, 403].map((code) => answers.filter(({ status }) => status === code));
  expect([accepted!.length, refused!.length]).toEqual([10, 40]);
  expect(refused![0]!.body.code).toBe('quota-exceeded');
  expect(await clones.begin(100)).toMatchObject({ kept: 10 });
  expect(await snapshotRows()).toHaveLength(1);
  await database.query('UPDATE quota SET max_instances = 10000');
});

test('the same key gets the same answer, whatever has become of the source, and another body none', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const first = await ask({}, headers);
  await world.call('POST', `/v1/instances/${name}/stop`);
  const again = await ask({}, headers);
  expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([202, first.text, 'true']);
  expect((await ask({ count: 2 }, headers)).status).toBe(422);
  expect((await ask({ name: `${name}-other` })).body).toMatchObject({
    code: 'state-conflict',
    detail: `instance ${name} is stopping; clone needs running`,
  });
});

test('who may log in is copied, what the first boot did is not done again', async () => {
  await database.query(`INSERT INTO instance_seed (instance_id, ssh_keys, user_data) VALUES ($1, '{key}', 'data')`, [
    id,
  ]);
  const { body } = await ask();
  const seed = await database.query('SELECT ssh_keys, user_data FROM instance_seed WHERE instance_id = $1', [
    body.instances[0]!.id,
  ]);
  expect(seed).toEqual([{ ssh_keys: ['key'], user_data: null }]);
});

test('what cannot be is refused, and nothing is made', async () => {
  expect((await ask({ name: '' })).body.errors).toMatchObject([{ field: 'name' }]);
  expect((await ask({ count: 0 })).body.errors).toMatchObject([{ field: 'count' }]);
  expect((await ask({ userData: 'x' })).body.errors).toMatchObject([{ field: 'userData' }]);
  expect((await ask({ name })).body.code).toBe('name-taken');
  await database.query(`UPDATE vmm SET driver = 'v86' WHERE instance_id = $1`, [id]);
  expect((await ask()).body).toMatchObject({ status: 409, next: 'create it with --driver tcg' });
  expect((await get(`${name}-copy`)).status).toBe(404);
  name = 'nobody';
  expect((await ask()).status).toBe(404);
});

test('a clone that has not begun can be deleted, and nothing else', async () => {
  const { body } = await ask();
  const path = `/v1/instances/${body.instances[0]!.id}`;
  const stopped = await world.call<ProblemBody>('POST', `${path}/stop`);
  expect([stopped.status, stopped.body.next]).toEqual([409, expect.stringContaining('or delete the instance')]);
  expect((await world.call<AcceptedView>('DELETE', path)).body.operations[0]!.state).toBe('succeeded');
  expect((await operation(body.operations[0]!.id)).state).toBe('cancelled');
  await clones.begin(100);
  expect(await snapshotRows()).toEqual([]);
});

test('of a kernel that is not ours there are no clones: it has neither disk nor agent', async () => {
  const image = { ...imageBody, name: 'foreign', ready: 'firmware' };
  await world.call('POST', '/v1/images', { body: image });
  name = 'mute';
  const body = { name, instanceType: 'tiny', image: 'foreign' };
  const accepted = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body;
  await placeOn(database, 'n1', accepted.instances[0]!.id);
  const refused = await ask();
  expect([refused.status, refused.body.code]).toEqual([409, 'state-conflict']);
  expect(refused.body.detail).toMatch(/mute has no disk, and image foreign no agent/);
  expect(refused.body.next).toBe('create another instance of image foreign');
});
