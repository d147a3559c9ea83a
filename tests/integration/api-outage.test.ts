import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiWorld, startTestApi, type ApiWorld, type ProblemBody } from '../api-world.js';
import { waitFor } from './wait-for.js';
import { startLocalPostgres, type LocalServer } from '../../apps/cli/src/servers/local-postgres.js';

let world: ApiWorld;
let restarted: LocalServer | undefined;
beforeAll(async () => {
  world = await openApiWorld();
});
afterAll(async () => {
  await restarted?.stop(); // before the world takes its folder away
  await world?.close();
});

async function restartPostgres(): Promise<void> {
  const { folder, databaseUrl } = world.world;
  const port = Number(new URL(databaseUrl).port);
  restarted = await startLocalPostgres({ dataDir: folder, logPath: join(folder, 'postgres.log'), port });
}

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
  await restartPostgres();
  await waitFor('the API to accept again', async () => (await create('again')).status === 202);
  expect((await world.call('GET', '/v1/instances/again')).status).toBe(200);
});

test('an API that is started while PostgreSQL is away says 503, and serves once it is there', async () => {
  await restarted!.stop();
  const tokenPath = join(world.world.folder, 'other.token');
  const api = await startTestApi(world.world, { BERTH_ADMIN_TOKEN_FILE: tokenPath });
  try {
    const statusOf = async (path: string, token = ''): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${api.port}${path}`, { headers })).status;
    };
    expect(await statusOf('/v1/health')).toBe(503);
    expect(await statusOf('/v1/instances', world.adminToken)).toBe(503);
    await restartPostgres();
    expect(await api.serving).toBe(true);
    expect(await statusOf('/v1/health')).toBe(200);
    const token = (await readFile(tokenPath, 'utf8')).trim();
    expect(await statusOf('/v1/instances', token)).toBe(200);
  } finally {
    await api.close();
  }
});

test('an API that is stopped while it waits for PostgreSQL stops at once', async () => {
  await restarted!.stop();
  const api = await startTestApi(world.world);
  await api.close();
  expect(await api.serving).toBe(false);
});
