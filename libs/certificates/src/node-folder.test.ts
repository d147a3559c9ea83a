import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkNode, expiryOf } from './check.js';
import { newKey } from './issue.js';
import { keepNodeFolder, readNodeFolder } from './node-folder.js';

const now = new Date();
const inDays = (days: number): Date => new Date(+now + days * 24 * 3600 * 1000);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-certificates-'));
});
afterEach(() => rm(root, { recursive: true }));

const folderOf = (name: string): string => join(root, name);
async function keep(name: string, at = now) {
  await keepNodeFolder(folderOf(name), name, join(root, 'authority'), at);
  return readNodeFolder(folderOf(name), at);
}

test('nodes of one datacenter know each other by its authority, and nobody else reads their keys', async () => {
  const [one, other] = [await keep('node-1'), await keep('node-2')];
  expect(checkNode(other.certificate, one.authority, now)).toBe('node-2');
  expect(one.name).toBe('node-1');
  for (const name of ['node-1', 'node-2', 'authority']) {
    expect((await stat(folderOf(name))).mode & 0o777).toBe(0o700);
    for (const file of await readdir(folderOf(name))) {
      expect((await stat(join(folderOf(name), file))).mode & 0o777).toBe(0o600);
    }
  }
});

test('what is good for another month stays, and what is not is made anew with the same key', async () => {
  const first = await keep('node-1');
  expect(await keep('node-1', inDays(300))).toEqual(first);
  const next = await keep('node-1', inDays(340));
  expect(next.key).toBe(first.key);
  expect(expiryOf(next.certificate).getTime()).toBeGreaterThan(expiryOf(first.certificate).getTime());
});

test('an authority that will not outlive what it signs is made anew, and what it signed stays good', async () => {
  const first = await keep('node-1');
  const other = await keep('node-2', inDays(3_200));
  const next = await keep('node-1', inDays(3_300));
  expect(next.authority).not.toBe(first.authority);
  expect(checkNode(other.certificate, next.authority, inDays(3_300))).toBe('node-2');
  expect(checkNode(next.certificate, other.authority, inDays(3_300))).toBe('node-1');
});

test('a folder that was spoilt, or is of another node, is made whole', async () => {
  await keep('node-1');
  await writeFile(join(folderOf('node-1'), 'tls.crt'), 'paper');
  await expect(readNodeFolder(folderOf('node-1'), now)).rejects.toThrow(/no certificate in PEM/);
  await keep('node-1');
  await writeFile(join(folderOf('node-1'), 'tls.key'), newKey());
  await expect(readNodeFolder(folderOf('node-1'), now)).rejects.toThrow(/not that of the certificate node-1/);
  await keep('node-1');
  await keepNodeFolder(folderOf('node-1'), 'node-9', join(root, 'authority'), now);
  expect((await readNodeFolder(folderOf('node-1'), now)).name).toBe('node-9');
  expect(await readFile(join(folderOf('node-1'), 'tls.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
});
