import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalPostgres } from './local-postgres.js';
import { startLocalRedis } from './local-redis.js';
import { freePort } from './ready.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'berth-servers-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('the local PostgreSQL', () => {
  it('keeps its data from one start to the next and leaves no process behind', async () => {
    const first = await startLocalPostgres({ dataDir, settings: { fsync: 'off' } });
    await query(first.url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)');
    await first.stop();
    expect(existsSync(`/proc/${first.pid}`)).toBe(false);
    const second = await startLocalPostgres({ dataDir, settings: { fsync: 'off' } });
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    await second.stop();
  });

  it('takes over from a server that an earlier launcher left', async () => {
    const left = await startLocalPostgres({ dataDir, settings: { fsync: 'off' } });
    const next = await startLocalPostgres({ dataDir, settings: { fsync: 'off' } });
    await left.exited;
    expect(await query(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  it('starts where a first start, or the removal of an old cluster, was cut short', async () => {
    const cut = join(dataDir, 'cut');
    for (const half of ['postgres', 'postgres.new.x1y2z3']) {
      await mkdir(join(cut, half, 'base'), { recursive: true });
      await writeFile(join(cut, half, 'pg_hba.conf'), 'half');
    }
    const server = await startLocalPostgres({ dataDir: cut, settings: { fsync: 'off' } });
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect((await readdir(cut)).toSorted()).toEqual(['postgres', 'postgres.password']);
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const server = await startLocalPostgres({ dataDir, settings: { fsync: 'off' } });
    const stranger = new URL(server.url);
    stranger.password = 'guess';
    await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(dataDir, 'postgres.password'))).mode & 0o077).toBe(0);
    await server.stop();
  });
});

describe('the local Redis', () => {
  it('never evicts, keeps an append-only file and leaves no process behind', async () => {
    const server = await startLocalRedis({ dataDir });
    const client = new Redis(server.url);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    client.disconnect();
    await server.stop();
    expect(existsSync(`/proc/${server.pid}`)).toBe(false);
  });
});

it('a port in use is avoided, not fought over', async () => {
  const server = await startLocalRedis({ dataDir });
  expect(await freePort(server.port)).not.toBe(server.port);
  await server.stop();
});
