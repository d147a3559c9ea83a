import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataDirLock } from './data-dir-lock.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a data folder has one worker, and the next one follows when that has let go', async () => {
  const lock = await DataDirLock.take(folder);
  await expect(DataDirLock.take(folder)).rejects.toThrow(`another worker runs on ${folder}`);
  await lock.release();
  await (await DataDirLock.take(folder)).release();
});

test('a holder that is killed holds it no longer', async () => {
  const path = join(folder, 'worker.lock');
  const holder = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo held; exec sleep 600']);
  await once(holder.stdout, 'data');
  await expect(DataDirLock.take(folder)).rejects.toThrow('another worker runs on');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await DataDirLock.take(folder)).release();
});

test('a name that any process of the machine may bind keeps no worker out, nor may others open its lock', async () => {
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex');
  const squatter = createServer().listen(`\0berth-worker-${name}`);
  await once(squatter, 'listening');
  const lock = await DataDirLock.take(folder);
  expect((await stat(join(folder, 'worker.lock'))).mode & 0o077).toBe(0);
  await lock.release();
  squatter.close();
});
