import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StorageStats, VmmHandle, VmmStats } from '@berth/engine/driver.js';
import { defaultPrograms, openQemuDriver } from '@berth/engine/qemu/open.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { diskBytes, freshDisk, makeBase } from '../migrations/moving-disk.js';
import { patienceMs, TcgNode } from './tcg-node.js';

const run = promisify(execFile);
const blockBytes = 65_536;
const blocks = 64;
const movedBytes = blocks * blockBytes;
/** What a guest reads and writes beside: its look for partitions, the tail of a page. */
const slackBytes = 1024 * 1024;
const waitedMs = 200;
const balloonMib = 96;

describe('what a real guest is measured by', () => {
  let node: TcgNode;

  beforeAll(async () => {
    node = await TcgNode.open();
  });
  afterEach(() => node.releaseAll());
  afterAll(() => node.end());

  const startWithDisk = async () => node.startReady({ drives: [await freshDisk(node, await makeBase(node))] });
  const inGuest = async (handle: VmmHandle, command: string): Promise<void> => {
    const { exitCode, output } = await node.driver.exec(handle, command, AbortSignal.timeout(patienceMs));
    expect({ exitCode, output: output.toString() }).toMatchObject({ exitCode: 0 });
  };
  const storageOf = async (handle: VmmHandle): Promise<StorageStats> => {
    const { storage } = await node.driver.stats(handle);
    expect(storage).toBeDefined();
    return storage as StorageStats;
  };

  test('what it writes to its disk and reads from it is counted in bytes, operations and time, by itself', async () => {
    expect(movedBytes).toBeLessThan(diskBytes);
    const { handle } = await startWithDisk();
    const before = await storageOf(handle);
    await inGuest(handle, `dd if=/dev/zero of=/dev/vda bs=${blockBytes} count=${blocks} conv=fsync 2>&1`);
    const written = await storageOf(handle);
    expect(written.writtenBytes - before.writtenBytes).toBeGreaterThanOrEqual(movedBytes);
    expect(written.writtenBytes - before.writtenBytes).toBeLessThanOrEqual(movedBytes + slackBytes);
    expect(written.writes).toBeGreaterThan(before.writes);
    expect(written.writeMs).toBeGreaterThan(before.writeMs);
    expect(written.readBytes - before.readBytes).toBeLessThanOrEqual(slackBytes);
    await inGuest(handle, 'echo 3 >/proc/sys/vm/drop_caches');
    await inGuest(handle, `dd if=/dev/vda of=/dev/null bs=${blockBytes} count=${blocks} 2>&1`);
    const read = await storageOf(handle);
    expect(read.readBytes - written.readBytes).toBeGreaterThanOrEqual(movedBytes);
    expect(read.readBytes - written.readBytes).toBeLessThanOrEqual(movedBytes + slackBytes);
    expect(read.reads).toBeGreaterThan(written.reads);
    expect(read.readMs).toBeGreaterThan(written.readMs);
    expect(read.writtenBytes).toBe(written.writtenBytes);
  });

  test('one whose engine does not answer keeps its last figures of storage, and those of its vcpus go on', async () => {
    const { handle, pid } = await startWithDisk();
    const storage = await storageOf(handle);
    process.kill(pid, 'SIGSTOP');
    try {
      const told = await node.driver.stats(handle);
      expect(told.storage).toEqual(storage);
      expect(told.vcpuMs).toBeGreaterThan(0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await inGuest(handle, `dd if=/dev/zero of=/dev/vda bs=${blockBytes} count=1 conv=fsync 2>&1`);
    await vi.waitFor(async () => expect((await storageOf(handle)).writes).toBeGreaterThan(storage.writes), patienceMs);
  });

  test('a system without our agent tells its memory by its balloon, and no longer once it is reset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-loader-'));
    try {
      await node.driver.close();
      const programs = { ...defaultPrograms, qemuPath: await makeLoader(folder) };
      node.driver = await openQemuDriver('tcg', node.statePath, programs);
      const image = { kind: 'firmware', firmware: 'bios' } as const;
      const { handle } = await node.startReady({ image, memoryMib: balloonMib, ready: { serial: 'guest ready' } });
      const told = async () => (await node.driver.stats(handle)).guest;
      await vi.waitFor(async () => expect(await told()).toBeDefined(), { timeout: patienceMs, interval: 200 });
      const { memoryTotalMib = 0, memoryAvailableMib = 0, ...more } = (await told()) ?? {};
      expect(more).toEqual({});
      expect(memoryTotalMib).toBeGreaterThan(balloonMib / 2);
      expect(memoryTotalMib).toBeLessThan(balloonMib);
      expect(memoryAvailableMib).toBeGreaterThan(0);
      expect(memoryAvailableMib).toBeLessThan(memoryTotalMib);
      await node.driver.pause(handle); // else it is up again and tells before it is looked at
      await node.driver.reboot(handle);
      await vi.waitFor(async () => expect(await told()).toBeUndefined(), { timeout: patienceMs, interval: 200 });
    } finally {
      await node.releaseAll();
      await node.reopen();
      await rm(folder, { recursive: true });
    }
  });

  test('vcpus that want the same core are seen to wait for it', async () => {
    const guests = await Promise.all([node.startReady(), node.startReady()]);
    for (const { pid } of guests) await run('taskset', ['--all-tasks', '--pid', '--cpu-list', '0', `${pid}`]);
    const look = () => Promise.all(guests.map(({ handle }) => node.driver.stats(handle)));
    const before = await look();
    await Promise.all(guests.map(({ handle }) => node.driver.setLoad(handle, 100)));
    const delayedMs = (now: VmmStats, nth: number) => (now.cpuDelayMs ?? 0) - (before[nth]?.cpuDelayMs ?? Infinity);
    await vi.waitFor(
      async () => expect(Math.min(...(await look()).map(delayedMs))).toBeGreaterThan(waitedMs),
      patienceMs,
    );
  });
});

/** A QEMU whose BIOS finds the tiny guest's kernel, as it would on a disk: for that one there is no boot loader. */
async function makeLoader(folder: string): Promise<string> {
  const { kernelPath, initrdPath, cmdline } = tinyGuest();
  const [path, kernel, initrd] = [join(folder, 'qemu-system-loader'), join(folder, 'kernel'), join(folder, 'initrd')];
  await Promise.all([copyFile(kernelPath, kernel), copyFile(initrdPath, initrd), chmod(folder, 0o755)]);
  const boot = `-kernel ${kernel} -initrd ${initrd} -append '${cmdline} no_timer_check'`;
  await writeFile(path, `#!/bin/sh\nexec ${defaultPrograms.qemuPath} "$@" ${boot}\n`, { mode: 0o755 });
  return path;
}
