import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { waitFor } from './wait-for.js';
import { startLocalPostgres, type LocalServer } from '../../apps/cli/src/servers/local-postgres.js';
import { join } from 'node:path';

let world: ApiWorld;
let restarted: LocalServer | undefined;
beforeAll(async () => {
  world = await openApiWorld();
});
afterAll(async () => {
  await restarted?.stop(); // before the world takes its folder away
  await world?.close();
});

const create = (name: string) =>
  world.call<ProblemBody>('POST', '/v1/instances', { body: { name, instanceType: 'tiny', image: 'model' } });

test('Redis is not needed: creates are accepted while it is down', async () => {
  await world.world.redis.stop();
  expect((await create('without-redis')).status).toBe(202);
});

test('while PostgreSQL is away requests get 503 with Retry-After, and afterwards they are answered again', async () => {
  await world.world.postgres.stop();
  for (const [method, path] of [
    ['GET', '/v1/instances'],
    ['GET', '/v1/health'],
    ['POST', '/v1/instances'],
  ] as const) {
    const answer = method === 'POST' ? await create('away') : await world.call<ProblemBody>(method, path);
    expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'unavailable']);
    expect(answer.headers.get('retry-after')).toBe('2');
  }
  const { folder, databaseUrl } = world.world;
  restarted = await startLocalPostgres({
    dataDir: folder,
    logPath: join(folder, 'postgres.log'),
    port: Number(new URL(databaseUrl).port),
  });
  await waitFor('the API to accept again', async () => (await create('again')).status === 202);
  expect((await world.call('GET', '/v1/instances/again')).status).toBe(200);
});
