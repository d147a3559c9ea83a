import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { VmmSpec } from '../vmm-spec.js';
import { findCgroups, makeCgroup, removeCgroup } from './cgroup.js';

const spec: VmmSpec = {
  vmmId: 'v1',
  instanceId: 'i1',
  instanceName: 'web-1',
  generation: 1,
  vcpus: 2,
  memoryMib: 64,
  image: { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' },
  onIsolation: 'keep',
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cgroup-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A group with the files that the kernel would show in it. */
async function group(path: string, files: readonly string[]): Promise<string> {
  await mkdir(path, { recursive: true });
  await Promise.all(files.map((file) => writeFile(join(path, file), '')));
  return path;
}
const valuesIn = async (path: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all((await readdir(path)).map(async (file) => [file, await readFile(join(path, file), 'utf8')])),
  );

test('version 2: a vmm gets a share, a quota beyond its vcpus, memory and a bound on threads', async () => {
  const files = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.oom.group', 'pids.max', 'io.weight', 'cgroup.procs'];
  const path = await group(join(folder, 'v1'), files);
  await makeCgroup({ version: 2, paths: [folder] }, spec, 'tcg');
  expect(await valuesIn(path)).toEqual({
    'cpu.weight': '200',
    'cpu.max': '250000 100000',
    'memory.max': `${(64 + 48 + 128) * 1024 * 1024}`,
    'memory.oom.group': '1',
    'pids.max': '130',
    'io.weight': '100',
    'cgroup.procs': '',
  });
});

test('version 1: each hierarchy gets its own part of it', async () => {
  const cpu = await group(join(folder, 'cpu', 'v1'), ['cpu.shares', 'cpu.cfs_period_us', 'cpu.cfs_quota_us']);
  const memory = await group(join(folder, 'memory', 'v1'), ['memory.limit_in_bytes']);
  const root = { version: 1, paths: [join(folder, 'cpu'), join(folder, 'memory')] } as const;
  await makeCgroup(root, spec, 'kvm');
  expect(await valuesIn(cpu)).toEqual({
    'cpu.shares': '2048',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_quota_us': '250000',
  });
  expect(await valuesIn(memory)).toEqual({ 'memory.limit_in_bytes': `${(64 + 32 + 128) * 1024 * 1024}` });
});

test('a vmm of v86 gets memory for the copies of a state that it has while its guest moves', async () => {
  const path = await group(join(folder, 'v1'), ['memory.max']);
  await makeCgroup({ version: 2, paths: [folder] }, spec, 'v86');
  expect(await valuesIn(path)).toEqual({ 'memory.max': `${(5 * 64 + 200 + 128) * 1024 * 1024}` });
});

test('a limit that the kernel does not know is left out, and the group is used all the same', async () => {
  await group(join(folder, 'v1'), ['memory.max']);
  await makeCgroup({ version: 2, paths: [folder] }, spec, 'tcg');
  expect(Object.keys(await valuesIn(join(folder, 'v1')))).toEqual(['memory.max']);
});

test('version 2 is found where a group may hand its controllers on, and they are handed on', async () => {
  await group(folder, ['cgroup.controllers', 'cgroup.subtree_control']);
  await writeFile(join(folder, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
  expect(await findCgroups('berth-n1', folder)).toEqual({ version: 2, paths: [join(folder, 'berth-n1')] });
  const enabled = '+cpu +memory +pids +io';
  expect(await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).toBe(enabled);
  expect(await readFile(join(folder, 'berth-n1', 'cgroup.subtree_control'), 'utf8')).toBe(enabled);
});

test('a machine without control groups is found to have none', async () => {
  expect(await findCgroups('berth-n1', join(folder, 'nothing'))).toBeUndefined();
});

test('what is left of a group goes, and what is not there is no error', async () => {
  await mkdir(join(folder, 'v1'));
  await removeCgroup({ version: 2, paths: [folder] }, 'v1');
  await removeCgroup({ version: 2, paths: [folder] }, 'v1');
  expect(await readdir(folder)).toEqual([]);
});
