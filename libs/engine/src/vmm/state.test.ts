import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcess, isAlive, killProcess } from './process.js';
import type { VmmRecord } from './record.js';
import { StateDirectory } from './state.js';

const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' } as const;
const shape = { instanceName: 'n', vcpus: 1, memoryMib: 64, image, onIsolation: 'keep' } as const;
const recordOf = (vmmId: string, generation: number): VmmRecord => ({
  spec: { ...shape, vmmId, instanceId: 'i1', generation },
  bootId: 'b',
  startedAtMs: 1,
  imageAtMs: 2,
});

let root: string;
let state: StateDirectory;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-state-'));
  state = new StateDirectory(root);
  await state.open();
});
afterEach(() => rm(root, { recursive: true }));

test('a record is found again, by nobody but the node', async () => {
  await state.writeRecord(recordOf('v1', 3));
  expect(await state.readRecord('v1')).toEqual(recordOf('v1', 3));
  expect((await stat(state.vmmPath('v1'))).mode & 0o777).toBe(0o700);
});

test('a launch is forgotten with all files and folders that were made for it, and the record stays', async () => {
  await state.writeRecord(recordOf('v1', 3));
  await mkdir(join(state.vmmPath('v1'), 'credentials'));
  await writeFile(join(state.vmmPath('v1'), 'errors.log'), 'no template');
  await state.forgetLaunch('v1');
  expect(await readdir(state.vmmPath('v1'))).toEqual(['vmm.json']);
  expect(await state.readRecord('v1')).toEqual(recordOf('v1', 3));
});

test('the generation outlives the vmm', async () => {
  await state.writeRecord(recordOf('v1', 3));
  await state.remove('v1');
  expect(await state.highestGeneration('i1')).toBe(3);
  expect(await state.highestGeneration('never-here')).toBe(0);
});

test('the first intent stands', async () => {
  await state.writeRecord(recordOf('v1', 1));
  await state.writeIntent('v1', 'unresponsive');
  await state.writeIntent('v1', 'stopped');
  expect(await state.readIntent('v1')).toBe('unresponsive');
});

test('a launch can be forbidden once, and not after it was made', async () => {
  await state.writeRecord(recordOf('v1', 1));
  expect(await state.wasLaunched('v1')).toBe(false);
  expect(await state.forbidLaunch('v1')).toBe(true);
  expect(await state.wasLaunched('v1')).toBe(true);
  expect(await state.forbidLaunch('v1')).toBe(false);
});

test('an id that is a path is refused', () => {
  for (const id of ['../v1', 'a/b', '', '.', '..', 'a'.repeat(200)])
    expect(() => state.vmmPath(id)).toThrow('not an id');
});

test('a corrupt file is as good as none', async () => {
  await state.writeRecord(recordOf('v1', 1));
  await writeFile(join(state.vmmPath('v1'), 'vmm.json'), Buffer.from([0xff, 0x00, 0x7b]));
  expect(await state.readRecord('v1')).toBeUndefined();
});

test('a pid whose process started at another time is not ours', async () => {
  const foreign = { pid: process.pid, startTicks: 1 };
  expect(await isAlive(foreign)).toBe(false);
  expect(await killProcess(foreign)).toBe(false);
  await expect(endProcess(foreign)).resolves.toBeUndefined();
});
