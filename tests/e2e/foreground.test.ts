import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../world.js';
import { berth, berthJson, processesOf, program } from './berth.js';

let world: World;
let dataDir: string;
beforeAll(async () => {
  [world, dataDir] = await Promise.all([openWorld(), mkdtemp(join(tmpdir(), 'berth-foreground-'))]);
});
afterAll(async () => {
  await berth(dataDir, 'down');
  await world.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('Ctrl-C stops a datacenter in the foreground, but not the servers that its user brought', async () => {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATABASE_URL: world.databaseUrl, REDIS_URL: world.redisUrl };
  const args = ['--data-dir', dataDir, 'up', '--port', '0', '--nodes', '1', '--instances', '1'];
  // a group of its own, as a shell makes one: Ctrl-C goes to all of it
  const up = spawn(process.execPath, [program, ...args], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const [told, exit] = [text(up.stderr), once(up, 'exit') as Promise<[number | null, string | null]>];
  for await (const chunk of up.stdout.iterator({ destroyOnReturn: false })) if (/API +http/.test(`${chunk}`)) break;
  const [instance] = await berthJson<InstanceView[]>(dataDir, 'instance', 'list');
  expect(instance?.state).toBe('running');

  process.kill(-up.pid!, 'SIGINT');
  up.stdout.resume();
  expect(await exit).toEqual([0, null]);
  expect(await told).toContain('✓ everything stopped');
  expect(await processesOf(dataDir)).toEqual([]);
  const database = await world.openDatabase(1);
  expect(await database.query('SELECT state FROM instance')).toHaveLength(1);
  const redis = new Redis(world.redisUrl);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});
