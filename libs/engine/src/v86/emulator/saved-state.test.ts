import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MachineState } from './machine.js';
import * as savedState from './saved-state.js';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'berth-state-')), 'state');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

/** By a descriptor, as a guard hands it over. */
async function opened<T>(flags: string, use: (file: number) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await use(file.fd);
  } finally {
    await file.close();
  }
}
const writeState = (state: MachineState) => opened('w', (file) => savedState.writeState(file, 64, state));
const readState = (memoryMib: number) => opened('r', (file) => savedState.readState(file, memoryMib));

test('a state is read as it was written', async () => {
  await writeState({ guestMs: 12.5, bytes: Uint8Array.of(1, 10, 255).buffer });
  const { guestMs, bytes } = await readState(64);
  expect([guestMs, ...new Uint8Array(bytes)]).toEqual([12.5, 1, 10, 255]);
});

test('a state of another machine or version, or no state at all, is refused', async () => {
  await writeState({ guestMs: 0, bytes: new ArrayBuffer(8) });
  await expect(readState(128)).rejects.toThrow('64 MiB, not 128');
  await writeFile(path, (await readFile(path, 'latin1')).replace(' 0.', ' 0.1'));
  await expect(readState(64)).rejects.toThrow('of v86 0.1');
  await writeFile(path, 'QEVM');
  await expect(readState(64)).rejects.toThrow('no saved state of this engine');
});
