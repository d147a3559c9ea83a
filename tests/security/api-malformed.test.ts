import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiWorld, type Answer, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode } from '../recorded.js';
import { breach, operationsOf, pathWith, title, type Operation } from './api-document.js';
import { hostileTexts, hostileValues, mutated, valuesOf } from './hostile.js';

let world: ApiWorld;
let operations: Operation[];
const uuid = '3f2b8a52-4d0c-4f6e-9b7a-0123456789ab';

beforeAll(async () => {
  world = await openApiWorld();
  operations = (await operationsOf(world)).filter(({ path }) => !path.endsWith('/stream'));
  await addNode(await world.world.openDatabase(), 'n1');
});
afterAll(() => world?.close());

const knownPath = (operation: Operation): string =>
  pathWith(
    operation,
    (name) => ({ operation: uuid, token: uuid, project: 'default', node: 'n1', image: 'model' })[name] ?? 'nobody',
  );

/** What is wrong with an answer: nothing when it is as the document promises, below 500, and a 400 names its fields. */
function disorder(operation: Operation, answer: Answer): string[] {
  const { code, errors } = answer.body as Partial<ProblemBody>;
  const named = code === 'invalid-request' && errors?.every(({ field, message }) => field !== '' && message !== '');
  const faults = [
    breach(operation, answer),
    answer.status >= 500 ? `answered ${answer.status}` : undefined,
    answer.status === 400 && !(named && errors!.length > 0) ? 'names no field' : undefined,
  ];
  return faults.filter((fault) => fault !== undefined).map((fault) => `${title(operation)}: ${fault}`);
}

function expectNamed({ body }: Answer): void {
  const { code, errors } = body as ProblemBody;
  expect(code).toBe('invalid-request');
  expect(errors?.length).toBeGreaterThan(0);
  for (const { field, message } of errors!) {
    expect(field).not.toBe('');
    expect(message).not.toBe('');
  }
}

test('bodies made from the schemas, right and spoilt, are taken or refused in order', async () => {
  for (const operation of operations.filter(({ body }) => body)) {
    const bodies = fc.oneof(valuesOf(operation.body!), valuesOf(operation.body!).chain(mutated));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expect(
          disorder(operation, await world.call(operation.method, knownPath(operation), { body: body ?? null })),
        ).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }
});

test('every field of every body refuses every hostile value that its schema does not allow', async () => {
  for (const operation of operations.filter(({ body }) => body)) {
    const [good] = fc.sample(valuesOf(operation.body!), { numRuns: 1, seed: 7 }) as [Record<string, unknown>];
    for (const field of Object.keys(operation.body!['properties'] ?? {})) {
      for (const value of hostileValues) {
        const text = JSON.stringify({ ...good, [field]: 0 }).replace(
          `${JSON.stringify(field)}:0`,
          `${JSON.stringify(field)}:${value}`,
        );
        const answer = await world.call<ProblemBody>(operation.method, knownPath(operation), { text });
        expect(disorder(operation, answer)).toEqual([]);
      }
    }
  }
});

test('every query parameter and path refuses hostile text', async () => {
  for (const operation of operations.filter(({ method }) => method === 'GET')) {
    for (const text of hostileTexts) {
      for (const parameter of operation.parameters.filter(({ in: place }) => place === 'query')) {
        const path = `${knownPath(operation)}?${new URLSearchParams({ [parameter.name]: text }).toString()}`;
        expect(disorder(operation, await world.call('GET', path))).toEqual([]);
      }
      if (operation.path.includes('{')) {
        const answer = await world.call(
          'GET',
          pathWith(operation, () => text || 'x y'),
        );
        expect([200, 400, 404]).toContain(answer.status); // some spell a name, and an earlier test may have made it
        expect(answer.headers.get('content-type')).toContain(
          answer.status === 200 ? 'json' : 'application/problem+json',
        );
      }
    }
  }
});

test('unknown query parameters and doubled ones are refused by name', async () => {
  for (const operation of operations) {
    const unknown = await world.call<ProblemBody>(
      operation.method,
      `${knownPath(operation)}?frobnicate=1`,
      body(operation),
    );
    expect([title(operation), unknown.status]).toEqual([title(operation), 400]);
    expectNamed(unknown);
  }
  const doubled = await world.call<ProblemBody>('GET', '/v1/instances?limit=1&limit=2');
  expect([doubled.status, doubled.body.errors?.[0]?.field]).toEqual([400, 'limit']);
  const projects = await world.call<ProblemBody>('GET', '/v1/instances?project=a&project=b');
  expect([projects.status, projects.body.errors?.[0]?.field]).toEqual([400, 'project']);
});

function body({ method }: Operation): { body?: unknown } {
  return method === 'POST' || method === 'PATCH' ? { body: {} } : {};
}

describe('what is no request', () => {
  const posted = (call: Parameters<ApiWorld['call']>[2]) => world.call<ProblemBody>('POST', '/v1/instances', call);

  test.each([
    ['broken JSON', '{"name": ', 400],
    ['an empty body', '', 400],
    ['a body that is a string', '"x"', 400],
    ['a body that is null', 'null', 400],
    ['a body that is a list', '[]', 400],
    ['a prototype in the body', '{"name":"a","__proto__":{"admin":true}}', 400],
    ['a constructor in the body', '{"name":"a","constructor":{"prototype":{"admin":true}}}', 400],
    ['100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['a body over 256 KiB', JSON.stringify({ name: 'x'.repeat(300_000) }), 413],
    ['10 MB', JSON.stringify({ name: 'x'.repeat(10_000_000) }), 413],
  ])('%s', async (_, text, status) => {
    const answer = await posted({ text });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    if (status === 400) expectNamed(answer);
    else expect(answer.body.code).toBe('payload-too-large');
  });

  test('another content type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'x']) {
      const answer = await posted({ text: 'name=a', headers: { 'content-type': type } });
      expect([type, answer.status, answer.body.code]).toEqual([type, 415, 'unsupported-media-type']);
    }
  });

  test('an unknown route is 404; a known one with another method is 405 and says which it takes', async () => {
    for (const path of ['/', '/v2/instances', '/v1/nothing', '/v1/instances/a/b/c', '/v1/%zz', '/v1/instances/%00']) {
      const answer = await world.call<ProblemBody>('GET', path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
    for (const [method, path] of [
      ['PUT', '/v1/instances'],
      ['POST', '/v1/fleet'],
      ['DELETE', '/v1/nodes/n1'],
      ['PATCH', '/v1/health'],
    ]) {
      const answer = await world.call<ProblemBody>(method!, path!);
      expect([path, answer.status, answer.body.code]).toEqual([path, 405, 'method-not-allowed']);
      expect(answer.headers.get('allow')).toBeTruthy();
    }
  });

  test('an Idempotency-Key that is empty, long or not ASCII', async () => {
    for (const key of ['', 'x'.repeat(129), 'two words', 'é']) {
      const answer = await posted({
        body: { name: 'a', instanceType: 'tiny', image: 'model' },
        headers: { 'idempotency-key': key },
      });
      expect([key, answer.status, answer.body.errors?.[0]?.field]).toEqual([key, 400, 'idempotency-key']);
    }
  });
});

test('every answer carries the security headers and says nothing of its maker', async () => {
  for (const path of ['/v1/health', '/v1/instances', '/v1/nothing', '/docs']) {
    const { headers } = await world.call('GET', path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect([headers.get('x-powered-by'), headers.get('server'), headers.get('access-control-allow-origin')]).toEqual([
      null,
      null,
      null,
    ]);
  }
});
