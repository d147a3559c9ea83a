import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { ProjectView } from '@berth/contracts/http/access.js';
import { machineIdOf } from '@berth/engine/identity.js';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFat } from '../../libs/images/src/seed/fat.fixture.js';
import { startApp, type AppProcess } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { GuestWorld } from './guest-world.js';
import { countOn, importInstantDisk } from './instant-disk.js';

let world: GuestWorld;
let successor: AppProcess | undefined;
beforeAll(async () => {
  world = await GuestWorld.open();
  await importInstantDisk(world);
});
afterAll(async () => {
  await successor?.stop();
  await world?.close();
});

async function says(name: string, command: string): Promise<string> {
  const body = { command: ['sh', '-c', command], timeoutSeconds: 60 };
  return (await world.call<CommandView>('POST', `/instances/${name}/exec`, body)).body.output;
}
const ask = (source: string, name: string, more: object = {}) =>
  world.call<AcceptedView>('POST', `/instances/${source}/clone`, { name, ...more });
const used = async () => (await world.call<ProjectView>('GET', '/projects/default')).body.quota.usedInstances;
const folderOf = (...names: string[]): string => join(world.world.folder, 'tcg', ...names);

/** Neither in the record nor on the node. */
async function untilNoSnapshotIsLeft(source: string): Promise<void> {
  const listed = async () => (await world.call<{ items: unknown[] }>('GET', `/instances/${source}/snapshots`)).body;
  const kept = () => readdir(folderOf('snapshots')).catch(() => []);
  await waitFor('nothing to be left', async () => (await listed()).items.length + (await kept()).length === 0, 60_000);
}

describe('clones of an instance that is all in memory', () => {
  const identity = 'hostname; cat /etc/machine-id; head -c 16 /dev/urandom | sha256sum';

  test('go on from where it is, and share with it and each other no name, machine id or random number', async () => {
    await world.create('web');
    await says('web', 'echo written >/note; sleep 1000 >/dev/null 2>&1 &');
    const before = await used();
    const { exitCode, stdout } = await world.berth('instance', 'clone', 'web', 'twin', '--count', '2', '-o', 'json');
    expect(exitCode).toBe(0);
    const clones = JSON.parse(stdout) as InstanceView[];
    expect(clones).toMatchObject(['twin-1', 'twin-2'].map((name) => ({ name, state: 'running', generation: 1 })));
    expect(await used()).toBe(before + 2);
    for (const { name } of clones) {
      expect(await says(name, 'cat /note; ps | grep -q "[s]leep 1000" && echo asleep')).toBe('written\nasleep\n');
    }
    const identities = await Promise.all(['web', 'twin-1', 'twin-2'].map((name) => says(name, identity)));
    const lines = identities.map((text) => text.trim().split('\n'));
    expect(lines.map(([hostname]) => hostname)).toEqual(['web', 'twin-1', 'twin-2']);
    expect(lines[1]![1]).toBe(machineIdOf(clones[0]!.id));
    expect(new Set(lines.flat()).size).toBe(9);
    expect(Number(await says('twin-1', 'date +%s'))).toBeGreaterThan(Date.now() / 1000 - 5);
    expect(await world.get('web')).toMatchObject({ state: 'running', generation: 1, restartCount: 0 });
    await untilNoSnapshotIsLeft('web');
  });

  test('end ready when Redis is emptied and their worker killed while they are made', async () => {
    const asked = await ask('web', 'survivor');
    const redis = new Redis(world.world.redisUrl);
    await redis.flushall();
    redis.disconnect();
    const worker = world.datacenter.processes.find(({ app }) => app === 'worker')!;
    process.kill(worker.pid, 'SIGKILL');
    successor = await startApp(world.world, worker.start);
    await world.done(asked);
    expect(await says('survivor', 'hostname; cat /note')).toBe('survivor\nwritten\n');
    await untilNoSnapshotIsLeft('web');
  });

  test('that cannot be made leave neither instance nor quota nor snapshot behind, and say why', async () => {
    const before = await used();
    const folder = folderOf('snapshots');
    await rename(folder, `${folder}.aside`);
    await writeFile(folder, 'no folder');
    const ended = await world.ended(await ask('web', 'hopeless'));
    await rename(folder, `${folder}.file`);
    await rename(`${folder}.aside`, folder);
    expect(ended).toMatchObject({ state: 'failed', problem: { code: 'clone-failed' } });
    expect(ended.problem?.detail).toContain('web could not be kept as it was: ');
    await waitFor('it to go', async () => (await world.call('GET', '/instances/hopeless')).status === 404, 30_000);
    expect(await used()).toBe(before);
    await untilNoSnapshotIsLeft('web');
    expect(await says('web', 'cat /note')).toBe('written\n');
  });
});

describe('a clone of an instance with a disk', () => {
  test('boots from its disk of then, under a name, address and ports of its own, and is alone with it', async () => {
    await world.create('disk', { image: 'instant', ports: [22], userData: 'of the source' });
    await countOn(world, 'disk');
    expect(await countOn(world, 'disk')).toBe('M2D1');
    const asked = await ask('disk', 'copy');
    expect(asked.body.operations[0]!.result).toEqual({ clonedFrom: (await world.get('disk')).id, from: 'disk' });
    await world.done(asked);
    expect(await countOn(world, 'disk')).toBe('M3D2');
    expect(await countOn(world, 'copy')).toBe('M1D2');
    expect(await countOn(world, 'copy')).toBe('M2D1');

    const [source, copy] = [await world.get('disk'), await world.get('copy')];
    expect(new Set([source, copy].map(({ ports }) => ports[0]!.hostPort)).size).toBe(2);
    const [ofSource, ofCopy] = await Promise.all([seedOf(source.id), seedOf(copy.id)]);
    expect(ofCopy.metadata).toMatchObject({ 'instance-id': copy.id, 'local-hostname': 'copy' });
    expect([ofSource.vendorData, ofCopy.vendorData]).toEqual([
      undefined,
      expect.stringContaining(machineIdOf(copy.id)),
    ]);
    expect(ofCopy.network).not.toBe(ofSource.network);
    expect([ofSource.userData, ofCopy.userData]).toEqual(['of the source', '']);
    await world.act('copy', 'stop');
    await world.act('copy', 'start');
    expect(await countOn(world, 'copy')).toBe('M1D2');
    await untilNoSnapshotIsLeft('disk');
  });

  async function seedOf(id: string) {
    const { files } = readFat(await readFile(folderOf('disks', id, 'seed.img')));
    const text = (name: string): string | undefined => files.get(name)?.toString();
    const metadata = JSON.parse(text('meta-data')!) as object;
    return { metadata, vendorData: text('vendor-data'), network: text('network-config'), userData: text('user-data') };
  }
});
