import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InstanceDisks } from '../../apps/worker/src/disks/instance-disks.js';

const gib = 1024 ** 3;
const sha256 = 'a'.repeat(64);
const noSeed = { sshKeys: [], userData: null };
let folder: string;
let basePath: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-disks-'));
  basePath = join(folder, 'base.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', basePath, '64M']);
});
afterEach(() => rm(folder, { recursive: true }));

function orderOf(kind: 'disk' | 'cdrom', diskGib: number): VmmOrder {
  const image = { kind, sha256, sizeBytes: 1, virtualSizeBytes: 64 * 1024 ** 2, firmware: 'bios' } as const;
  const names = { vmmId: randomUUID(), instanceId: randomUUID(), instanceName: 'web', project: 'default' };
  const shape = { generation: 1, driver: 'tcg', vcpus: 1, memoryMib: 64, diskGib, onIsolation: 'keep' } as const;
  return { ...names, ...shape, image };
}

function located(kind: 'disk' | 'cdrom') {
  const base = { path: basePath, format: kind === 'disk' ? 'qcow2' : 'raw', virtualSizeBytes: 64 * 1024 ** 2 } as const;
  return { kind, firmware: 'bios', base } as const;
}

function infoOf(path: string): { 'virtual-size': number; 'full-backing-filename'?: string } {
  return JSON.parse(execFileSync('qemu-img', ['info', '--output=json', '-f', 'qcow2', path], { encoding: 'utf8' }));
}

test('an instance gets a disk over its image, as large as its type, and a seed that names it', async () => {
  const drives = await new InstanceDisks(join(folder, 'disks')).make(orderOf('disk', 2), located('disk'), noSeed);
  expect(drives.map(({ id, medium, readOnly }) => ({ id, medium, readOnly }))).toEqual([
    { id: 'root', medium: 'disk', readOnly: false },
    { id: 'seed', medium: 'disk', readOnly: true },
  ]);
  expect(drives[0]!.backing).toEqual([{ path: basePath, format: 'qcow2' }]);
  expect(infoOf(drives[0]!.path)).toMatchObject({ 'virtual-size': 2 * gib, 'full-backing-filename': basePath });
  expect((await readFile(drives[1]!.path)).includes('"local-hostname":"web"')).toBe(true);
});

test('a disk of before grows to what its instance is to have now, keeps what it held, and never shrinks', async () => {
  const order = orderOf('disk', 1);
  const disks = new InstanceDisks(join(folder, 'disks'));
  const [root] = await disks.make(order, located('disk'), noSeed);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', root!.path]);
  for (const diskGib of [3, 2]) {
    await disks.make({ ...order, diskGib, generation: 2 }, located('disk'), noSeed);
    expect(infoOf(root!.path)['virtual-size']).toBe(3 * gib);
  }
  const said = execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 7 0 4096', root!.path]).toString();
  expect(said).not.toMatch(/fail/i);
});

test('an image that is a diskette is given as one, of its own size, and needs no seed', async () => {
  const order = orderOf('disk', 2);
  const image = { ...order.image, profile: 'floppy' } as const;
  const drives = await new InstanceDisks(join(folder, 'disks')).make({ ...order, image }, located('disk'), noSeed);
  expect(drives.map(({ medium, readOnly }) => [medium, readOnly])).toEqual([['floppy', false]]);
  expect(infoOf(drives[0]!.path)['virtual-size']).toBe(64 * 1024 ** 2);
});

test('an image that is a CD comes behind an empty disk, which takes no room yet', async () => {
  const drives = await new InstanceDisks(join(folder, 'disks')).make(orderOf('cdrom', 1), located('cdrom'), noSeed);
  expect(drives.map(({ id, medium }) => [id, medium])).toEqual([
    ['root', 'disk'],
    ['cd', 'cdrom'],
    ['seed', 'disk'],
  ]);
  const { size, blocks } = await stat(drives[0]!.path);
  expect([size, blocks]).toEqual([gib, 0]);
});

test('a disk stays from vmm to vmm and from worker to worker, and goes with its instance', async () => {
  const order = orderOf('disk', 1);
  const [root] = await new InstanceDisks(join(folder, 'disks')).make(order, located('disk'), noSeed);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', root!.path]);
  const disks = new InstanceDisks(join(folder, 'disks'));
  expect(disks.has(order.instanceId)).toBe(true);
  const [again] = await disks.make({ ...order, vmmId: randomUUID(), generation: 2 }, located('disk'), noSeed);
  expect(execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 7 0 4096', again!.path]).toString()).not.toMatch(
    /fail/i,
  );
  await disks.remove(order.instanceId);
  expect([disks.has(order.instanceId), existsSync(root!.path)]).toEqual([false, false]);
});

test('while it is rescued its disk stands behind a disk of the other image, which is new for each vmm', async () => {
  const disks = new InstanceDisks(join(folder, 'disks'));
  const order = orderOf('disk', 1);
  const make = (vmmId: string, kind: 'disk' | 'cdrom' = 'disk') => {
    const rescued = { ...order, vmmId, rescueImage: { ...order.image, kind } as VmmOrder['image'] };
    return disks.make(rescued, located('disk'), { sshKeys: ['key'], userData: 'for the owner alone' }, located(kind));
  };
  const [own] = await disks.make(order, located('disk'), noSeed);
  const [rescue, behind, seed] = await make('first');
  expect([rescue!.id, rescue!.backing, behind]).toEqual(['rescue', [{ path: basePath, format: 'qcow2' }], own]);
  const told = await readFile(seed!.path);
  expect(['"key"', '.rescue"', 'for the owner alone'].map((text) => told.includes(text))).toEqual([true, true, false]);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', rescue!.path]);
  expect((await make('first'))[0]).toEqual(rescue);
  expect(existsSync(rescue!.path)).toBe(true);
  const [another] = await make('second');
  expect([existsSync(rescue!.path), another!.path === rescue!.path]).toEqual([false, false]);
  expect((await make('third', 'cdrom')).map(({ id, medium }) => [id, medium])).toEqual([
    ['rescue', 'cdrom'],
    ['root', 'disk'],
    ['seed', 'disk'],
  ]);
  expect(await disks.make({ ...order, vmmId: 'fourth' }, located('disk'), noSeed)).toMatchObject([own, seed]);
});

test('of the disk before a rebuild nothing is left, and its first boot has a name of its own', async () => {
  const order = orderOf('disk', 1);
  const disks = new InstanceDisks(join(folder, 'disks'));
  const [root, seed] = await disks.make(order, located('disk'), noSeed);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', root!.path]);
  const rebuilt = { ...order, generation: 2, rebuildCount: 1 };
  const holdsMarker = () => spawnSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 7 0 4096', root!.path]).status === 0;
  expect(holdsMarker()).toBe(true);
  await disks.make(rebuilt, located('disk'), noSeed);
  expect(holdsMarker()).toBe(false);
  expect((await readFile(seed!.path)).includes(`"instance-id":"${order.instanceId}.1"`)).toBe(true);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', root!.path]);
  await new InstanceDisks(join(folder, 'disks')).make({ ...rebuilt, generation: 3 }, located('disk'), noSeed);
  expect(holdsMarker()).toBe(true);
});

test('a new disk may begin as that of a template that is still there, and is then a disk over its image', async () => {
  const order = orderOf('disk', 1);
  const disks = new InstanceDisks(join(folder, 'disks'));
  const look = (path: string, pattern: string) =>
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', `read -P ${pattern}`, path]).toString();
  const templatePath = join(folder, 'template.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', basePath, '-F', 'qcow2', templatePath, '1G']);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', templatePath]);
  expect(await disks.lacks(order)).toBe(true);
  const [root] = await disks.make(order, located('disk'), noSeed);
  expect(await disks.beginAs(order.instanceId, join(folder, 'evicted.qcow2'))).toBe(false);
  expect(look(root!.path, '0 0 4096')).not.toContain('Pattern verification failed');
  expect(await disks.beginAs(order.instanceId, templatePath)).toBe(true);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 8 4096 4096', root!.path]);
  expect(infoOf(root!.path)).toMatchObject({ 'virtual-size': gib, 'full-backing-filename': basePath });
  expect(look(root!.path, '7 0 4096')).not.toContain('Pattern verification failed');
  expect(look(templatePath, '0 4096 4096')).not.toContain('Pattern verification failed');
  expect(await disks.lacks(order)).toBe(false);
  expect(await disks.lacks({ ...order, rebuildCount: 1 })).toBe(true);
});
