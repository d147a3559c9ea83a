import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { ProjectView } from '@berth/contracts/http/access.js';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  await addNode(database, 'n1');
});
afterAll(() => world?.close());

async function create(name: string): Promise<AcceptedView> {
  const body = { name, instanceType: 'tiny', image: 'model' };
  return (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body;
}

const act = (name: string, action: string) =>
  world.call<AcceptedView & ProblemBody>('POST', `/v1/instances/${name}/${action}`);
const remove = (name: string) => world.call<AcceptedView & ProblemBody>('DELETE', `/v1/instances/${name}`);
const stateOf = async (name: string) => (await world.call<InstanceView>('GET', `/v1/instances/${name}`)).body.state;
const operation = async (id: string) => (await world.call<OperationView>('GET', `/v1/operations/${id}`)).body;

test('deleting what waits for a node overtakes its create, ends at once, and gives the quota back', async () => {
  const { operations: created } = await create('early');
  const before = (await world.call<ProjectView>('GET', '/v1/projects/default')).body.quota.usedInstances;
  const { status, body } = await remove('early');
  expect([status, body.operations[0]!.state]).toEqual([202, 'succeeded']);
  expect(await operation(created[0]!.id)).toMatchObject({
    state: 'cancelled',
    result: { overtakenBy: body.operations[0]!.id },
  });
  expect((await world.call('GET', '/v1/instances/early')).status).toBe(404);
  const after = (await world.call<ProjectView>('GET', '/v1/projects/default')).body.quota.usedInstances;
  expect(after).toBe(before - 1);
  await create('early'); // the name is free
  expect(await stateOf('early')).toBe('pending');
});

test('a stop of what waits for a node ends at once; then it starts again', async () => {
  await create('waits');
  expect((await act('waits', 'stop')).body.operations[0]!.state).toBe('succeeded');
  expect(await stateOf('waits')).toBe('stopped');
  const started = await act('waits', 'start');
  expect(started.body.operations).toMatchObject([{ kind: 'start-instance', state: 'pending' }]);
  expect(await stateOf('waits')).toBe('pending');
  const again = await act('waits', 'start');
  expect(again.body.operations[0]!.id).toBe(started.body.operations[0]!.id);
});

test('with a live vmm, stop, reboot and delete wait for its node', async () => {
  const { instances } = await create('lives');
  const vmmId = await placeOn(database, 'n1', instances[0]!.id);
  expect(await stateOf('lives')).toBe('running');
  const reboot = await act('lives', 'reboot');
  expect(reboot.body.operations).toMatchObject([{ kind: 'reboot-instance', state: 'pending', node: 'n1' }]);
  const stop = await act('lives', 'stop');
  expect(await operation(reboot.body.operations[0]!.id)).toMatchObject({ state: 'cancelled' });
  expect(await stateOf('lives')).toBe('stopping');
  const deletion = await remove('lives');
  expect(await operation(stop.body.operations[0]!.id)).toMatchObject({ state: 'cancelled' });
  expect(deletion.body.instances).toMatchObject([{ state: 'deleting', desiredState: 'deleted', node: 'n1' }]);
  const rows = await database.query(`SELECT stage, vmm_id, generation FROM operation WHERE id = $1`, [
    deletion.body.operations[0]!.id,
  ]);
  expect(rows).toEqual([{ stage: 'dispatch', vmm_id: vmmId, generation: 1 }]);
  expect((await remove('lives')).body.operations[0]!.id).toBe(deletion.body.operations[0]!.id);
});

test('an action that the state does not allow is a conflict that names the state', async () => {
  await create('still');
  const reboot = await act('still', 'reboot');
  expect([reboot.status, reboot.body.code]).toEqual([409, 'state-conflict']);
  expect(reboot.body.context).toMatchObject({ state: 'pending' });
  await act('still', 'stop');
  expect((await act('still', 'stop')).body.detail).toContain('is stopped; stop needs');
});

test('starts and deletes of one instance at the same time end as one delete', async () => {
  await create('raced');
  await act('raced', 'stop');
  await Promise.all(Array.from({ length: 10 }, () => world.call('GET', '/v1/instances')));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? act('raced', 'start') : remove('raced'))),
  );
  for (const { status } of answers) expect([202, 404, 409]).toContain(status);
  expect((await world.call('GET', '/v1/instances/raced')).status).toBe(404);
  const open = await database.query(
    `SELECT 1 FROM operation o JOIN instance i ON i.id = o.instance_id WHERE i.name = 'raced' AND o.ended_at IS NULL`,
  );
  expect(open).toEqual([]);
});

test('a long poll answers when the operation ends, and not much later than asked when it does not', async () => {
  const { operations } = await create('polled');
  const id = operations[0]!.id;
  const begun = performance.now();
  expect((await world.call<OperationView>('GET', `/v1/operations/${id}?wait=300`)).body.state).toBe('pending');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(295);
  const waiting = world.call<OperationView>('GET', `/v1/operations/${id}?wait=20000`);
  await remove('polled');
  expect((await waiting).body.state).toBe('cancelled');
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('cordon, drain and uncordon of a node', async () => {
  const node = async (action: string) =>
    (await world.call<Record<string, unknown>>('POST', `/v1/nodes/n1/${action}`)).body;
  expect(await node('cordon')).toMatchObject({ cordoned: true, draining: false });
  const drain = await node('drain');
  expect(drain).toMatchObject({ kind: 'drain-node', state: 'pending', node: 'n1' });
  expect((await node('drain'))['id']).toBe(drain['id']);
  expect((await world.call('GET', '/v1/nodes/n1')).body).toMatchObject({ cordoned: true, draining: true });
  expect(await node('uncordon')).toMatchObject({ cordoned: false, draining: false });
  expect(await operation(String(drain['id']))).toMatchObject({ state: 'cancelled' });
});
