import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { copyFolder } from './copy-folder.js';

const stallMs = 600;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-copy-'));
  await mkdir(join(folder, 'from'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** From here on `cp` is this shell script, which finds where to copy to in `$to`. */
async function cpIs(script: string): Promise<void> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'cp'), `#!/bin/sh\nfor to; do :; done\n${script}\n`);
  await chmod(join(bin, 'cp'), 0o755);
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
}

test('a copy has all that was there, and its holes', async () => {
  await writeFile(join(folder, 'from', 'disk'), 'block');
  await truncate(join(folder, 'from', 'disk'), 2 ** 30);
  await copyFolder(join(folder, 'from'), join(folder, 'to'));
  const { size, blocks } = await stat(join(folder, 'to', 'disk'));
  expect(size).toBe(2 ** 30);
  expect(blocks).toBeLessThan(100);
});

test('a copy that goes on is waited for, however long it takes', async () => {
  await cpIs('for _ in 1 2 3 4 5 6 7 8 9 10; do echo block >>"$to"; sleep 0.2; done');
  await copyFolder(join(folder, 'from'), join(folder, 'to'), stallMs);
  expect(await readFile(join(folder, 'to'), 'utf8')).toBe('block\n'.repeat(10));
});

test('a copy that moves no byte any more is ended, and that is the reason given', async () => {
  await cpIs('exec sleep 600');
  await expect(copyFolder(join(folder, 'from'), join(folder, 'to'), stallMs)).rejects.toThrow('came to a stop');
});
