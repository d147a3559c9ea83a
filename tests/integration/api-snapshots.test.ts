import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { AcceptedSnapshotView, SnapshotView } from '@berth/contracts/http/snapshot.js';
import type { Database } from '@berth/database/database.js';
import { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import { snapshotsPerInstanceMax } from '@berth/domain/limits.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let snapshots: SnapshotRepository;
let name: string;
let id: string;
let made = 0;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  snapshots = new SnapshotRepository(database);
  await addNode(database, 'n1');
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `i${(made += 1)}`;
  id = await create(name);
  await placeOn(database, 'n1', id);
  await database.query(`UPDATE node SET state = 'up'`);
});

async function create(called: string): Promise<string> {
  const body = { name: called, instanceType: 'tiny', image: 'model' };
  return (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body.instances[0]!.id;
}
const path = (rest: string): string => `/v1/instances/${name}${rest}`;
const ask = (snapshot = 's') =>
  world.call<AcceptedSnapshotView & ProblemBody>('POST', path('/snapshots'), { body: { name: snapshot } });
const restore = (snapshot = 's') =>
  world.call<AcceptedView & ProblemBody>('POST', path('/restore'), { body: { snapshot } });
const list = async () => (await world.call<{ items: SnapshotView[] }>('GET', path('/snapshots'))).body.items;
const operation = async (one: string) => (await world.call<OperationView>('GET', `/v1/operations/${one}`)).body;

/** As its node would tell. */
async function taken(snapshot = 's'): Promise<AcceptedSnapshotView> {
  const { body } = await ask(snapshot);
  await snapshots.report([{ snapshotId: body.snapshot.id, sizeBytes: 7, pausedMs: 5 }], []);
  return body;
}

test('a snapshot is accepted, then ready when its node says so; asked for again meanwhile it is the same', async () => {
  const { status, body } = await ask();
  expect([status, body.snapshot.state, body.operations[0]!.kind]).toEqual([202, 'creating', 'snapshot-instance']);
  expect((await ask()).body.operations[0]!.id).toBe(body.operations[0]!.id);
  await snapshots.report([{ snapshotId: body.snapshot.id, sizeBytes: 7, pausedMs: 5 }], []);
  expect(await list()).toMatchObject([{ name: 's', state: 'ready', sizeBytes: 7, pausedMs: 5, node: 'n1' }]);
  expect((await operation(body.operations[0]!.id)).state).toBe('succeeded');
  expect((await ask()).body).toMatchObject({ status: 409, code: 'name-taken' });
});

test('one whose node could not make it has failed, with the reason, and its name is free', async () => {
  const { body } = await ask();
  const problem = { code: 'snapshot-failed', detail: 'no space left' } as const;
  await snapshots.report([], [{ operationId: body.operations[0]!.id, problem }]);
  expect(await operation(body.operations[0]!.id)).toMatchObject({ state: 'failed', problem });
  expect(await list()).toMatchObject([{ state: 'failed', reason: 'no space left' }]);
  await snapshots.report([{ snapshotId: body.snapshot.id, sizeBytes: 7, pausedMs: 5 }], []); // too late
  expect(await snapshots.unwanted([body.snapshot.id])).toEqual([body.snapshot.id]);
  expect((await ask()).status).toBe(202);
});

test('a stop overtakes a snapshot, which then has failed', async () => {
  const { body } = await ask();
  await world.call('POST', path('/stop'));
  expect((await operation(body.operations[0]!.id)).state).toBe('cancelled');
  expect(await list()).toMatchObject([{ state: 'failed', reason: 'it was cancelled' }]);
});

test('what does not run, or is busy, or runs in an engine that cannot, is a conflict that says so', async () => {
  await world.call('POST', path('/reboot'));
  const busy = await ask();
  expect([busy.status, busy.body.detail, busy.body.next]).toEqual([
    409,
    `instance ${name} has an open operation, reboot-instance`,
    expect.stringContaining('wait for operation'),
  ]);
  name = `w${made}`;
  await create(name);
  await world.call('POST', path('/stop'));
  const still = await ask();
  expect([still.body.detail, still.body.next]).toEqual([
    `instance ${name} is stopped; a snapshot needs a running guest`,
    'start it',
  ]);
  name = `i${made}`;
  await database.query(
    `UPDATE operation SET state = 'succeeded', stage = 'done', ended_at = now()
    WHERE instance_id = $1 AND ended_at IS NULL`,
    [id],
  );
  await database.query(`UPDATE instance SET state = 'running' WHERE id = $1`, [id]);
  await database.query(`UPDATE vmm SET driver = 'v86' WHERE instance_id = $1`, [id]);
  expect((await ask()).body.detail).toBe('engine v86 cannot keep the memory of a guest');
});

test(`an instance has ${snapshotsPerInstanceMax} snapshots and no more, until one is deleted`, async () => {
  for (let nth = 0; nth < snapshotsPerInstanceMax; nth++) await taken(`s${nth}`);
  const over = await ask('over');
  expect([over.status, over.body.next]).toEqual([409, 'delete one']);
  expect((await world.call<SnapshotView>('DELETE', path('/snapshots/s0'))).body.state).toBe('deleted');
  expect((await ask('over')).status).toBe(202);
});

test('a restore ends the guest first, then starts it where the snapshot is, from it', async () => {
  const { snapshot } = await taken();
  const { status, body } = await restore();
  expect([status, body.instances[0]!.state, body.operations[0]!.kind]).toEqual([202, 'starting', 'restore-instance']);
  const rows = await database.query('SELECT stage, snapshot_id FROM operation WHERE id = $1', [body.operations[0]!.id]);
  expect(rows).toEqual([{ stage: 'dispatch', snapshot_id: snapshot.id }]);
  const used = await world.call<ProblemBody>('DELETE', path('/snapshots/s'));
  expect([used.status, used.body.detail]).toEqual([409, 'snapshot s is in use by restore-instance']);
});

test.each([
  ['is not ready', `UPDATE snapshot SET state = 'failed' WHERE id = $1`, 'snapshot s is failed'],
  [
    'is on a node out of reach',
    `UPDATE node SET state = 'unreachable' WHERE $1::uuid IS NOT NULL`,
    'on node n1, which',
  ],
  ['is of another size', `UPDATE snapshot SET memory_mib = 4096 WHERE id = $1`, 'of another size'],
])('a snapshot that %s is refused before the guest is touched', async (_, change, words) => {
  const { snapshot } = await taken();
  await database.query(change, [snapshot.id]);
  const { status, body } = await restore();
  expect([status, body.code]).toEqual([409, 'state-conflict']);
  expect(body.detail).toContain(words);
  expect(body.next).toBeTruthy();
  const [instance] = await database.query<{ state: string }>('SELECT state FROM instance WHERE id = $1', [id]);
  expect(instance!.state).toBe('running');
});

test('what is unknown, or of another instance, is not there', async () => {
  await taken('mine');
  name = `o${made}`;
  await create(name);
  expect((await restore('mine')).status).toBe(404);
  expect((await world.call('DELETE', path('/snapshots/mine'))).status).toBe(404);
});
