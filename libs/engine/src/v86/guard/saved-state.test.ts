import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readState, writeState } from './saved-state.js';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'berth-state-')), 'state');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

test('a state is read as it was written', async () => {
  await writeState(path, 64, { guestMs: 12.5, bytes: Uint8Array.of(1, 10, 255).buffer });
  const { guestMs, bytes } = await readState(path, 64);
  expect([guestMs, ...new Uint8Array(bytes)]).toEqual([12.5, 1, 10, 255]);
});

test('a state of another machine or version, or no state at all, is refused', async () => {
  await writeState(path, 64, { guestMs: 0, bytes: new ArrayBuffer(8) });
  await expect(readState(path, 128)).rejects.toThrow('64 MiB, not 128');
  await writeFile(path, (await readFile(path, 'latin1')).replace(' 0.', ' 0.1'));
  await expect(readState(path, 64)).rejects.toThrow('of v86 0.1');
  await writeFile(path, 'QEVM');
  await expect(readState(path, 64)).rejects.toThrow('no saved state of this engine');
});
