import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectScreen, lendScreenFolder, takeScreenSocket } from './screen-socket.js';

let vmmPath: string;
beforeEach(async () => {
  vmmPath = await mkdtemp(join(tmpdir(), 'berth-screen-'));
  await lendScreenFolder(vmmPath);
});
afterEach(() => rm(vmmPath, { recursive: true }));

test('the socket that was made in the lent folder is taken out of it, and the folder goes', async () => {
  expect((await stat(join(vmmPath, 'screen'))).mode & 0o777).toBe(0o733);
  const server = createServer((socket) => socket.end('RFB')).listen(join(vmmPath, 'screen', 'vnc.sock'));
  await once(server, 'listening');
  await takeScreenSocket(vmmPath);
  expect(existsSync(join(vmmPath, 'screen'))).toBe(false);
  const screen = await connectScreen(vmmPath);
  const [said] = (await once(screen, 'data')) as [Buffer];
  expect(said.toString()).toBe('RFB');
  screen.destroy();
  server.close();
});

test('what is no socket leads nowhere', async () => {
  const elsewhere = createServer().listen(join(vmmPath, 'other.sock'));
  await once(elsewhere, 'listening');
  await symlink(join(vmmPath, 'other.sock'), join(vmmPath, 'screen', 'vnc.sock'));
  await expect(connectScreen(vmmPath)).rejects.toMatchObject({ code: 'no-screen' });
  elsewhere.close();
});

test('a guest without a screen is told as such', async () => {
  await rm(join(vmmPath, 'screen'), { recursive: true });
  await expect(connectScreen(vmmPath)).rejects.toMatchObject({ code: 'no-screen' });
});
