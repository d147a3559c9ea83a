import { execFileSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { AcceptedSnapshotView, SnapshotView } from '@berth/contracts/http/snapshot.js';
import { leaseSeconds } from '@berth/engine/vmm/lease.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApp, type AppProcess } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { processesOf } from '../e2e/berth.js';
import { GuestWorld } from '../e2e/guest-world.js';
import { countOn, importInstantDisk } from '../e2e/instant-disk.js';

const mib = 1024 ** 2;
const bulkMib = 256;

let world: GuestWorld;
afterAll(() => world?.close());

async function says(...command: string[]): Promise<string> {
  const { body } = await world.call<CommandView>('POST', '/instances/web/exec', { command, timeoutSeconds: 60 });
  return body.output;
}
const uptimeSeconds = async (): Promise<number> => Number(await says('cut', '-d', ' ', '-f', '1', '/proc/uptime'));
const ask = (name: string, instance = 'web') =>
  world.call<AcceptedSnapshotView>('POST', `/instances/${instance}/snapshots`, { name });
const snapshots = async (instance: string): Promise<SnapshotView[]> =>
  (await world.call<{ items: SnapshotView[] }>('GET', `/instances/${instance}/snapshots`)).body.items;
const kept = (dataDir: string): Promise<string[]> => readdir(join(dataDir, 'snapshots')).catch(() => []);

/** For so long, by its own clock. */
async function goesOn(seconds = 0): Promise<void> {
  let before = NaN; // its agent may not be heard yet
  const counted = async () => ((before ||= await uptimeSeconds()), (await uptimeSeconds()) > before + seconds);
  await waitFor('the guest to go on', counted, 60_000);
  expect(await world.get('web')).toMatchObject({ state: 'running', generation: 1, restartCount: 0 });
}

describe.runIf(process.getuid?.() === 0)('on a node whose disk is full', () => {
  let dataDir: string;
  const filler = () => join(dataDir, 'filler');
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(dataDir);
    return bavail * bsize;
  };

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'berth-full-'));
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=192m', 'berth-full', dataDir]);
    // a template would take room whenever it is made
    world = await GuestWorld.open({ tcgEnvironment: { BERTH_DATA_DIR: dataDir, BERTH_TEMPLATE_MIB: '0' } });
    await world.create('web', { onIsolation: 'stop' });
  });
  afterAll(async () => {
    await world.close();
    execFileSync('/usr/bin/umount', ['-l', dataDir]);
    await rm(dataDir, { recursive: true });
  });

  /** 0: not a byte; else the state has room, its copy has none. */
  test.each([0, 24])(
    'with %i MiB left a snapshot fails, says why, leaves nothing, and the guest goes on',
    async (left) => {
      await writeFile(filler(), Buffer.alloc((await freeBytes()) - left * mib));
      const free = await freeBytes();
      const operation = await world.ended(await ask('no-room'));
      expect(operation).toMatchObject({
        state: 'failed',
        problem: {
          code: 'snapshot-failed',
          detail: expect.stringMatching(/no space left/i),
          next: expect.stringContaining('room'),
        },
      });
      expect((await snapshots('web'))[0]).toMatchObject({ name: 'no-room', state: 'failed' });
      expect(await kept(dataDir)).toEqual([]);
      expect(await freeBytes()).toBeGreaterThan(free - mib);
      await goesOn(leaseSeconds + 4); // its right to run is written there, too
      await rm(filler());
    },
    120_000,
  );

  test('with room again it is taken, and takes no more than itself', async () => {
    const free = await freeBytes();
    await world.done(await ask('room'));
    const [{ sizeBytes, name } = { sizeBytes: null, name: '' }] = await snapshots('web');
    expect(name).toBe('room');
    process.stdout.write(`snapshot: ${sizeBytes} bytes, ${free - (await freeBytes())} less free\n`);
    expect(free - (await freeBytes())).toBeLessThan(sizeBytes! + mib);
    await goesOn();
  });
});

describe('on a node whose worker is killed', () => {
  let worker: AppProcess;
  let folder: string;
  beforeAll(async () => {
    world = await GuestWorld.open();
    worker = world.datacenter.processes.find(({ app }) => app === 'worker')!;
    folder = join(world.world.folder, 'tcg', 'snapshots');
    await mkdir(folder, { recursive: true });
    await world.create('web', { onIsolation: 'stop' });
  });
  afterAll(() => worker?.stop());

  async function replaceWorker(): Promise<void> {
    await worker.exited;
    worker = await startApp(world.world, worker.start);
  }

  /** What the record says of it, once there are files of what is in the record only. */
  async function recordedState(name: string, ...instances: string[]): Promise<string | undefined> {
    const all = (await Promise.all(instances.map(snapshots))).flat();
    const ready = all.filter((one) => one.state === 'ready').map(({ id }) => id);
    await waitFor('files of what is in the record only', async () => {
      return (await readdir(folder)).toSorted().join() === ready.toSorted().join();
    });
    return all.find((one) => one.name === name)?.state;
  }

  /** `.new`: the guest stands still and is being written. Without: all is written, nobody was told. */
  test.each(['.new', ''])(
    'while ID%s is written, the snapshot ends as the record says and the guest goes on',
    async (ending) => {
      const name = `killed-${ending.length}`;
      const watcher = watch(folder);
      const killed = new Promise<void>((resolve) => {
        watcher.on('change', (_, file) => {
          if (String(file).endsWith('.new') !== (ending === '.new') || !existsSync(join(folder, String(file)))) return;
          process.kill(worker.pid, 'SIGKILL');
          watcher.close();
          resolve();
        });
      });
      const asked = await ask(name);
      await killed;
      await replaceWorker();
      const { state } = await world.ended(asked);
      expect(await recordedState(name, 'web')).toBe(state === 'succeeded' ? 'ready' : 'failed');
      await goesOn();
      process.stdout.write(`worker killed: the snapshot ${state}\n`);
    },
    120_000,
  );

  test('while a disk is copied, its copying ends, it is made again whole, and the guest goes on', async () => {
    await importInstantDisk(world);
    await world.call('POST', '/instance-types', { name: 'with-disk', vcpus: 1, memoryMib: 64, diskGib: 1 });
    const { id } = await world.create('disk', { image: 'instant', instanceType: 'with-disk', onIsolation: 'stop' });
    const path = join(world.world.folder, 'tcg', 'disks', id, 'root.qcow2');
    const io = (command: string) => execFileSync('qemu-io', ['-f', 'qcow2', '-c', command, path]).toString();
    await world.act('disk', 'stop');
    io(`write -P 7 2M ${bulkMib}M`); // so that it takes a while
    await world.act('disk', 'start');
    const count = () => countOn(world, 'disk');
    expect(await count()).toBe('M1D0');

    const asked = await ask('killed', 'disk');
    const unfinished = join(folder, `${asked.body.snapshot.id}.new`);
    const copy = join(unfinished, 'disk', 'root.qcow2');
    await waitFor('its disk to be copied', () => existsSync(copy), 60_000);
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await waitFor('its copying to end', async () => (await processesOf(unfinished)).length === 0);
    expect((await stat(copy)).size).toBeLessThan(bulkMib * mib);
    await replaceWorker();
    expect(await world.ended(asked)).toMatchObject({ state: 'succeeded' });
    expect(await recordedState('killed', 'web', 'disk')).toBe('ready');
    expect(await count()).toBe('M2D1');
    expect(await world.get('disk')).toMatchObject({ state: 'running', generation: 2, restartCount: 0 });

    await world.act('disk', 'restore', { snapshot: 'killed' });
    expect(await count()).toBe('M2D1');
    await world.act('disk', 'stop');
    expect(io(`read -P 7 2M ${bulkMib}M`)).not.toContain('failed');
  }, 300_000);
});
