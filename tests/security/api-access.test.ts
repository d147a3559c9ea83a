import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { roles, roleIncludes, type Role } from '@berth/domain/role.js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode } from '../recorded.js';
import { operationsOf, pathWith, title, type Operation } from './api-document.js';
import { valuesOf } from './hostile.js';

let world: ApiWorld;
let operations: Operation[];
const uuid = '3f2b8a52-4d0c-4f6e-9b7a-0123456789ab';
/** Answers for as long as the client reads. */
const isStream = (operation: Operation): boolean => operation.path.endsWith('/stream');

beforeAll(async () => {
  world = await openApiWorld();
  operations = await operationsOf(world);
  await addNode(await world.world.openDatabase(), 'n1');
});
afterAll(() => world?.close());

function valid(operation: Operation): string {
  return pathWith(operation, (name) => (name === 'operation' || name === 'token' ? uuid : 'nobody'));
}

test('the document lists every resource of the issue', () => {
  const listed = new Set(operations.map(({ path }) => path.split('/')[2]));
  const wanted = [
    'projects',
    'tokens',
    'instance-types',
    'images',
    'instances',
    'nodes',
    'operations',
    'events',
    'fleet',
    'health',
  ];
  for (const resource of wanted) expect(listed).toContain(resource);
});

describe('no route but the public ones answers', () => {
  const publicRoutes = ['GET /v1/health', 'GET /v1/openapi.json'];

  /** Routes that did not answer 401 as they must. */
  async function openTo(token: string | null, headers: Record<string, string> = {}): Promise<string[]> {
    const open: string[] = [];
    for (const operation of operations.filter((one) => !publicRoutes.includes(title(one)))) {
      const answer = await world.call<ProblemBody>(operation.method, valid(operation), { token, headers });
      const refused = answer.status === 401 && answer.body.code === 'unauthenticated';
      if (!refused || answer.headers.get('www-authenticate') !== 'Bearer') open.push(title(operation));
    }
    return open;
  }

  test('the public ones are two', () => {
    expect(
      operations
        .filter(({ role }) => role === 'anyone')
        .map(title)
        .sort(),
    ).toEqual(publicRoutes);
  });
  test('without a token', async () => {
    expect(await openTo(null)).toEqual([]);
  });
  test('to a token of the wrong form', async () => {
    expect(await openTo('garbage')).toEqual([]);
  });
  test('to another scheme', async () => {
    expect(await openTo(null, { authorization: `Basic ${world.adminToken}` })).toEqual([]);
  });
  test('to a token nobody made', async () => {
    expect(await openTo(`berth_${uuid.replaceAll('-', '')}_${'a'.repeat(43)}`)).toEqual([]);
  });
  test('to a known token with another secret', async () => {
    expect(await openTo(world.adminToken.replace(/.{3}$/, 'xyz'))).toEqual([]);
  });

  test('to an expired token', async () => {
    const token = await world.tokenOf('admin');
    const database = await world.world.openDatabase(1);
    await database.query(`UPDATE token SET expires_at = now() - interval '1 second' WHERE name = 'admin' AND id = $1`, [
      idOf(token),
    ]);
    expect(await openTo(token)).toEqual([]);
  });

  test('to a revoked token, at the latest 5 seconds later', async () => {
    const token = await world.tokenOf('admin');
    expect((await world.call('GET', '/v1/instances', { token })).status).toBe(200);
    expect((await world.call('DELETE', `/v1/tokens/${idOf(token)}`)).status).toBe(200);
    const revokedAt = performance.now();
    while ((await world.call('GET', '/v1/instances', { token })).status !== 401) {
      expect(performance.now() - revokedAt).toBeLessThan(5_000);
    }
    expect(await openTo(token)).toEqual([]);
  });
});

function idOf(token: string): string {
  const [, hex = ''] = token.split('_');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

test('each role may do what its routes say and no more', async () => {
  const tokens = Object.fromEntries(
    await Promise.all(roles.map(async (role) => [role, await world.tokenOf(role)] as const)),
  );
  for (const operation of operations.filter(({ role }) => role !== 'anyone')) {
    for (const role of roles) {
      if (roleIncludes(role, operation.role as Role) && isStream(operation)) continue;
      const { body } = await world.call<ProblemBody>(operation.method, valid(operation), { token: tokens[role]! });
      const allowed = roleIncludes(role, operation.role as Role);
      expect([title(operation), role, body.code === 'forbidden']).toEqual([title(operation), role, !allowed]);
    }
  }
});

test('the matrix of routes and roles is this', () => {
  const byRole = Object.fromEntries(
    ['anyone', ...roles].map((role) => [
      role,
      operations
        .filter((operation) => operation.role === role)
        .map(title)
        .sort(),
    ]),
  );
  expect(byRole).toMatchSnapshot();
});

test('what is of another project reads as if it were not there', async () => {
  await world.call('POST', '/v1/projects', { body: { name: 'theirs' } });
  const mine = await world.call<AcceptedView>('POST', '/v1/instances', {
    body: { name: 'mine', instanceType: 'tiny', image: 'model' },
  });
  const ids: Record<string, string> = {
    instance: mine.body.instances[0]!.id,
    operation: mine.body.operations[0]!.id,
    token: idOf(world.adminToken),
    project: 'default',
  };
  const foreign = await world.tokenOf('operator', 'theirs');
  const foreignAdmin = await world.tokenOf('admin', 'theirs');
  const reached = operations.filter(({ path }) => /\{(instance|operation|token|project)\}/.test(path));
  expect(reached.length).toBeGreaterThanOrEqual(10);
  for (const operation of reached) {
    const token = operation.role === 'admin' ? foreignAdmin : foreign;
    if (operation.role === 'admin' && operation.path.includes('{project}')) continue; // admins see all projects
    const ask = async (value: string) => {
      const answer = await world.call<ProblemBody>(
        operation.method,
        pathWith(operation, () => value),
        { token, ...validBody(operation) },
      );
      const { requestId: _, ...problem } = answer.body;
      return { status: answer.status, text: JSON.stringify(problem).replaceAll(value, 'ID') };
    };
    const parameter = onlyParameter(operation);
    const theirs = await ask(ids[parameter]!);
    const missing = await ask(parameter === 'project' ? 'nobody' : uuid);
    expect([title(operation), theirs]).toEqual([title(operation), missing]);
    expect([title(operation), theirs.status]).toEqual([title(operation), 404]);
  }
  expect((await world.call('GET', '/v1/instances/mine')).status).toBe(200);
});

/** Without keys of ssh: they have a form that no schema says. */
function validBody({ body }: Operation): { body?: unknown } {
  if (!body) return {};
  const { sshKeys: _, ...sample } = fc.sample(valuesOf(body), { numRuns: 1, seed: 11 })[0] as Record<string, unknown>;
  return { body: sample };
}

function onlyParameter(operation: Operation): string {
  return /\{(\w+)\}/.exec(operation.path)![1]!;
}

test("another project is an admin's to name", async () => {
  const operator = await world.tokenOf('operator');
  for (const project of ['theirs', 'nobody']) {
    const { status, body } = await world.call<ProblemBody>('GET', `/v1/instances?project=${project}`, {
      token: operator,
    });
    expect([status, body.detail]).toEqual([404, `there is no project ${project}`]);
  }
  expect((await world.call('GET', '/v1/instances?project=default', { token: operator })).status).toBe(200);
  expect((await world.call('GET', '/v1/instances?project=theirs')).status).toBe(200);
  expect((await world.call('GET', '/v1/instances?project=nobody')).status).toBe(404);
});

test('every write leaves an event that names its token', async () => {
  const { body } = await world.call<{ items: { kind: string; detail: Record<string, unknown> }[] }>(
    'GET',
    '/v1/events?limit=200',
  );
  const accepted = body.items.filter(({ kind }) => kind === 'InstanceAccepted');
  expect(accepted.map(({ detail }) => detail['token'])).toEqual([idOf(world.adminToken)]);
});
