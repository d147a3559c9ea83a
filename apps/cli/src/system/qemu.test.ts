import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backportsSource, findQemu, qemuNotice } from './qemu.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-qemu-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that says which QEMU it is, as Debian's does. */
async function qemuOf(version: string): Promise<string> {
  const path = join(folder, version);
  const script = `#!/bin/sh\necho "QEMU emulator version ${version} (Debian 1:${version})"\n`;
  await writeFile(path, script, { mode: 0o755 });
  return path;
}

test('of a QEMU that is too old is said which it is, what guests do on it and without, and what helps', async () => {
  const found = await findQemu({ BERTH_QEMU: await qemuOf('7.2.22') });
  expect(found).toEqual({ isNamed: true, version: '7.2.22', isNewEnough: false });
  const notice = qemuNotice({ ...found, isNamed: false });
  expect(notice).toMatch(/^! QEMU 7\.2\.22 is older than 9, and this user may not install one: guests run on it/);
  expect(notice.replaceAll(/\s+/g, ' ')).toContain(
    'by shared memory between nodes of one machine, and standing still (stop-and-copy) elsewhere',
  );
  expect(notice).toMatch(/for more: sudo bin\/berth setup, .*BERTH_QEMU=PATH/);
  expect(notice).not.toContain('v86');
});

test('a QEMU that BERTH_QEMU names is the one that counts', async () => {
  expect(await findQemu({ BERTH_QEMU: await qemuOf('9.0.0') })).toMatchObject({ version: '9.0.0', isNewEnough: true });
  await expect(findQemu({ BERTH_QEMU: join(folder, 'none') })).rejects.toThrow(/^BERTH_QEMU: no QEMU runs/);
});

test('where there is no QEMU it is said that guests run on v86', () => {
  const notice = qemuNotice({ isNamed: false, version: undefined, isNewEnough: false });
  expect(notice).toMatch(/^! there is no QEMU, and this user may not install one: guests run on v86/);
});

const mirror = 'http://mirror.example/debian/';

test('backports come from the mirror that the machine uses', () => {
  const sources = `bookworm-security http://security.example/\nbookworm ${mirror}\n`;
  expect(backportsSource(sources, true)).toBe(
    `Types: deb\nURIs: ${mirror}\nSuites: bookworm-backports\nComponents: main\n` +
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
  );
});

test('backports that are configured are not added again', () => {
  expect(backportsSource(`bookworm ${mirror}\nbookworm-backports ${mirror}\n`, true)).toBeUndefined();
});

test('a machine without sources is told so', () => {
  expect(() => backportsSource('', false)).toThrow(/no package source/);
});
