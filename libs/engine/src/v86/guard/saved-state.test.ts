import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  await writeState(path, 64, Uint8Array.of(1, 10, 255).buffer);
  expect(new Uint8Array(await readState(path, 64))).toEqual(Uint8Array.of(1, 10, 255));
});

test('a state of another machine, or no state at all, is refused', async () => {
  await writeState(path, 64, new ArrayBuffer(8));
  await expect(readState(path, 128)).rejects.toThrow('64 MiB, not 128');
  await writeFile(path, 'QEVM');
  await expect(readState(path, 64)).rejects.toThrow('no saved state of this engine');
});
