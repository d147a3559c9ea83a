import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '@berth/database/database.js';
import { migrate } from '@berth/database/migrate.js';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../world.js';
import { waitFor } from './wait-for.js';

const migrationsFolder = join(import.meta.dirname, '../../prisma/migrations');
let world: World;
let database: Database;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
});
afterAll(() => world.close());

describe('migrations', () => {
  it('three starts at once apply each migration exactly once', async () => {
    await database.query('CREATE DATABASE fresh');
    const url = new URL(world.databaseUrl);
    url.pathname = '/fresh';
    const applied = await Promise.all([1, 2, 3].map(() => migrate(url.href, migrationsFolder)));
    expect(applied.flat()).toEqual(readdirSync(migrationsFolder));
    expect(await migrate(url.href, migrationsFolder)).toEqual([]);
  });
});

describe('a transaction', () => {
  it('that the server broke off for a race is run again', async () => {
    await database.query('CREATE TABLE race (id int PRIMARY KEY, n int)');
    await database.query('INSERT INTO race VALUES (1, 0), (2, 0)');
    let waiting = 2;
    let open!: () => void;
    const barrier = new Promise<void>((resolve) => (open = resolve));
    const both = (first: number, second: number) =>
      database.transaction(async (session) => {
        await session.query('UPDATE race SET n = n + 1 WHERE id = $1', [first]);
        if (--waiting === 0) open();
        await barrier; // both hold one row and want the other's: a deadlock
        await session.query('UPDATE race SET n = n + 1 WHERE id = $1', [second]);
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await database.query('SELECT n FROM race')).toEqual([{ n: 2 }, { n: 2 }]);
  });

  it('whose connection breaks fails by itself, and nothing else does', async () => {
    const broken = database.transaction(async (session) => {
      const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await database.query('SELECT pg_terminate_backend($1, 5000)', [row!.pid]);
      await session.query('SELECT 1');
    });
    await expect(broken).rejects.toThrow(/connection|terminating/i);
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('that throws leaves nothing', async () => {
    await database.query('CREATE TABLE kept (n int)');
    const failing = database.transaction(async (session) => {
      await session.query('INSERT INTO kept VALUES (1)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await database.query('SELECT * FROM kept')).toEqual([]);
  });
});

describe('wake-ups', () => {
  it('reach a listener in another process, and it is woken again after its connection was cut', async () => {
    const other = await world.openDatabase(1);
    const heard: string[] = [];
    other.listen('operation', (payload) => heard.push(payload));
    await waitFor('the first wake-up of a new listener', () => heard.length === 1);
    database.notify('operation', 'a');
    database.notify('operation', 'a');
    database.notify('operation', 'b');
    await waitFor('both payloads', () => heard.length === 3);
    expect(heard).toEqual(['', 'a', 'b']);

    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`,
    );
    await waitFor('the wake-up after reconnection', () => heard.length === 4);
    database.notify('operation', 'c');
    await waitFor('a payload after reconnection', () => heard.includes('c'));
  });
});

it('a server that takes longer than the statement timeout is given up', async () => {
  const client = new Client(world.databaseUrl);
  await client.connect();
  await client.query('CREATE TABLE held (n int)');
  await client.query('BEGIN');
  await client.query('LOCK TABLE held');
  await expect(
    database.transaction(async (session) => {
      await session.query('SET LOCAL statement_timeout = 100');
      await session.query('SELECT * FROM held');
    }),
  ).rejects.toMatchObject({ code: '57014' });
  await client.end();
});
