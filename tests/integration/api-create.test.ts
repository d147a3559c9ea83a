import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { ProjectView } from '@berth/contracts/http/access.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { imageBody } from '../image-body.js';

let world: ApiWorld;
beforeAll(async () => {
  world = await openApiWorld();
});
afterAll(() => world?.close());

const instance = (name: string) => ({ name, instanceType: 'tiny', image: 'model' });

async function projectWithQuota(name: string, maxInstances: number): Promise<void> {
  const made = await world.call('POST', '/v1/projects', { body: { name, quota: { maxInstances } } });
  expect(made.status).toBe(201);
}

/** Opens connections on both sides, so that what follows truly runs at once. */
async function warmUp(parallel: number): Promise<void> {
  await Promise.all(Array.from({ length: parallel }, () => world.call('GET', '/v1/instances')));
}

test('a create is accepted with its instance and its operation', async () => {
  const { status, body } = await world.call<AcceptedView>('POST', '/v1/instances', { body: instance('web') });
  expect(status).toBe(202);
  expect(body.instances).toMatchObject([{ name: 'web', state: 'pending', project: 'default', memoryMib: 64 }]);
  expect(body.operations).toMatchObject([{ kind: 'create-instance', state: 'pending', instanceName: 'web' }]);
  const [made, operation] = [body.instances[0]!, body.operations[0]!];
  expect((await world.call('GET', `/v1/instances/${made.id}`)).body).toEqual(made);
  expect((await world.call('GET', '/v1/instances/web')).body).toEqual(made);
  expect((await world.call('GET', `/v1/operations/${operation.id}`)).body).toEqual(operation);
});

test('50 parallel creates against a quota of 10 make exactly 10', async () => {
  await projectWithQuota('ten', 10);
  await warmUp(50);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => world.call('POST', '/v1/instances?project=ten', { body: instance(`i-${i}`) })),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
  const refused = answers.filter(({ status }) => status !== 202);
  for (const { status, body } of refused) {
    expect(status).toBe(403);
    expect((body as ProblemBody).code).toBe('quota-exceeded');
    expect((body as ProblemBody).detail).toContain('instances: asked 1, left 0');
  }
  const project = await world.call<ProjectView>('GET', '/v1/projects/ten');
  expect(project.body.quota).toMatchObject({ usedInstances: 10, usedVcpus: 10, usedMemoryMib: 640 });
  const listed = await world.call<{ items: unknown[] }>('GET', '/v1/instances?project=ten&limit=200');
  expect(listed.body.items).toHaveLength(10);
});

test('the same Idempotency-Key 50 times in parallel makes one instance and gives 50 equal answers', async () => {
  await projectWithQuota('once', 10);
  await warmUp(50);
  const request = { body: instance('only'), headers: { 'idempotency-key': 'k-1' } };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => world.call('POST', '/v1/instances?project=once', request)),
  );
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers[0]!.status).toBe(202);
  expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(49);
  const project = await world.call<ProjectView>('GET', '/v1/projects/once');
  expect(project.body.quota.usedInstances).toBe(1);
});

test('an Idempotency-Key with another body is refused; with the same fields in another order, replayed', async () => {
  const headers = { 'idempotency-key': 'k-2' };
  const first = await world.call('POST', '/v1/instances', { body: instance('keyed'), headers });
  const other = await world.call<ProblemBody>('POST', '/v1/instances', { body: instance('keyed-2'), headers });
  expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
  const { name, ...rest } = instance('keyed');
  const again = await world.call('POST', '/v1/instances', { body: { ...rest, name }, headers });
  expect([again.status, again.text]).toEqual([first.status, first.text]);
});

test('a key of a refused create is free again', async () => {
  await projectWithQuota('none', 0);
  const headers = { 'idempotency-key': 'k-3' };
  const refused = await world.call('POST', '/v1/instances?project=none', { body: instance('late'), headers });
  expect(refused.status).toBe(403);
  await world.call('PATCH', '/v1/projects/none/quota', { body: { maxInstances: 1 } });
  const accepted = await world.call('POST', '/v1/instances?project=none', { body: instance('late'), headers });
  expect(accepted.status).toBe(202);
});

test('many are created together or not at all', async () => {
  await projectWithQuota('five', 5);
  const create = (name: string, count: number) =>
    world.call<AcceptedView & ProblemBody>('POST', '/v1/instances?project=five', {
      body: { ...instance(name), count },
    });
  expect((await create('a', 6)).body.code).toBe('quota-exceeded');
  const three = await create('b', 3);
  expect(three.body.instances.map(({ name }) => name)).toEqual(['b-1', 'b-2', 'b-3']);
  expect((await world.call('POST', '/v1/instances?project=five', { body: instance('b-2') })).status).toBe(409);
  const clash = await create('b', 2);
  expect([clash.status, clash.body.code]).toEqual([409, 'name-taken']);
  const project = await world.call<ProjectView>('GET', '/v1/projects/five');
  expect(project.body.quota.usedInstances).toBe(3);
});

test('one refused create takes no other with it', async () => {
  await projectWithQuota('mixed', 3);
  await warmUp(20);
  const names = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'same' : `own-${i}`));
  const answers = await Promise.all(
    names.map((name) =>
      world.call('POST', `/v1/instances?project=${name === 'same' ? 'mixed' : 'default'}`, { body: instance(name) }),
    ),
  );
  const accepted = names.filter((_, i) => answers[i]!.status === 202);
  expect(accepted.filter((name) => name === 'same')).toHaveLength(1);
  expect(accepted).toHaveLength(11);
});

test('what a create refers to must be there and fit', async () => {
  const refused = async (body: object): Promise<unknown> => {
    const answer = await world.call<ProblemBody>('POST', '/v1/instances', { body });
    return [answer.status, answer.body.code, answer.body.errors?.[0]?.field];
  };
  expect(await refused({ ...instance('x'), instanceType: 'none' })).toEqual([400, 'invalid-request', 'instanceType']);
  expect(await refused({ ...instance('x'), image: 'none' })).toEqual([400, 'invalid-request', 'image']);
  for (const need of [{ minMemoryMib: 512 }, { minDiskGib: 1 }]) {
    const name = `big-${Object.keys(need)[0]!.toLowerCase()}`;
    expect((await world.call('POST', '/v1/images', { body: { ...imageBody, name, ...need } })).status).toBe(201);
    expect(await refused({ ...instance('x'), image: name })).toEqual([400, 'invalid-request', 'instanceType']);
  }
  expect(await refused({ ...instance('x'.repeat(62)), count: 10 })).toEqual([400, 'invalid-request', 'name']);
});
