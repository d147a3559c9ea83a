import { access, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { AcceptedSnapshotView, SnapshotView } from '@berth/contracts/http/snapshot.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProblemBody } from '../api-world.js';
import { waitFor } from '../integration/wait-for.js';
import { countOn, importInstantDisk } from './instant-disk.js';
import { GuestWorld } from './guest-world.js';

let world: GuestWorld;
beforeAll(async () => {
  world = await GuestWorld.open();
});
afterAll(() => world?.close());

async function says(name: string, ...command: string[]): Promise<string> {
  const { body } = await world.call<CommandView>('POST', `/instances/${name}/exec`, { command, timeoutSeconds: 60 });
  return body.output;
}
const counterOf = async (name: string): Promise<number> => Number(await says(name, 'cat', '/run/counter'));
const ask = (name: string, snapshot: string) =>
  world.call<AcceptedSnapshotView & ProblemBody>('POST', `/instances/${name}/snapshots`, { name: snapshot });
const restore = (name: string, snapshot: string) =>
  world.call<AcceptedView & ProblemBody>('POST', `/instances/${name}/restore`, { snapshot });
const list = async (name: string): Promise<SnapshotView[]> =>
  (await world.call<{ items: SnapshotView[] }>('GET', `/instances/${name}/snapshots`)).body.items;
const kept = (id: string): Promise<boolean> =>
  access(join(world.world.folder, 'tcg', 'snapshots', id)).then(
    () => true,
    () => false,
  );

const counting = 'n=0; while :; do n=$((n+1)); echo $n >/run/next; mv /run/next /run/counter; usleep 100000; done';

describe('an instance whose memory is all it has', () => {
  beforeAll(async () => {
    await world.create('web');
    await says('web', 'sh', '-c', `setsid sh -c '${counting}' >/dev/null 2>&1 & echo then >/note`);
  });

  test('is kept while it runs, and goes on', async () => {
    const { exitCode, stdout, stderr } = await world.berth(
      'snapshot',
      'create',
      'web',
      '--name',
      'first',
      '-o',
      'json',
    );
    expect([exitCode, stderr]).toMatchObject([0, expect.stringContaining('succeeded')]);
    const made = JSON.parse(stdout) as SnapshotView;
    expect(made).toMatchObject({ name: 'first', state: 'ready', node: 'tcg', driver: 'tcg' });
    expect(made.sizeBytes).toBeGreaterThan(1_000_000);
    process.stdout.write(`snapshot: ${made.sizeBytes} bytes, ${made.pausedMs} ms\n`);
    const before = await counterOf('web');
    await waitFor('the guest to go on', async () => (await counterOf('web')) > before);
    expect(await world.get('web')).toMatchObject({ state: 'running', generation: 1 });
    expect(await kept(made.id)).toBe(true);
  });

  test('goes back to what it was: counter, file and name, with other random numbers', async () => {
    await ask('web', 'second').then((asked) => world.done(asked));
    const atSnapshot = await counterOf('web');
    const random = await says('web', 'sh', '-c', 'echo now >/note; head -c 16 /dev/urandom | sha256sum');
    await waitFor('time to pass', async () => (await counterOf('web')) > atSnapshot + 50, 60_000);
    const before = await counterOf('web');
    expect((await world.berth('instance', 'restore', 'web', '--snapshot', 'second', '--yes')).exitCode).toBe(0);
    expect(await counterOf('web')).toBeLessThan(before);
    expect(await says('web', 'cat', '/note', '/etc/hostname', '/proc/sys/kernel/hostname')).toContain('then\n');
    expect(await says('web', 'hostname')).toBe('web\n');
    expect(await says('web', 'sh', '-c', 'head -c 16 /dev/urandom | sha256sum')).not.toBe(random);
    expect(await world.get('web')).toMatchObject({ state: 'running', generation: 2, restartCount: 0, driver: 'tcg' });
  });

  test('goes back once it is stopped, too', async () => {
    await world.act('web', 'stop');
    await world.done(await restore('web', 'first'));
    expect(await says('web', 'cat', '/note')).toBe('then\n');
  });

  test('is kept again under a name that is free again, and the files of what is deleted go', async () => {
    const [second] = (await list('web')).filter(({ name }) => name === 'second');
    expect((await ask('web', 'second')).body.code).toBe('name-taken');
    expect((await world.berth('snapshot', 'delete', 'web', 'second', '--yes')).stdout).toBe('second\n');
    expect((await list('web')).map(({ name }) => name)).toEqual(['first']);
    await waitFor('its files to go', async () => !(await kept(second!.id)), 30_000);
    await ask('web', 'second').then((asked) => world.done(asked));
    expect((await world.berth('snapshot', 'list', 'web', '-o', 'name')).stdout).toBe('second\nfirst\n');
  });

  test('runs on when it cannot be kept, and nothing of the try is left', async () => {
    const folder = join(world.world.folder, 'tcg', 'snapshots');
    await rename(folder, `${folder}.aside`);
    await writeFile(folder, 'no folder');
    const operation = await world.ended(await ask('web', 'hopeless'));
    await rename(`${folder}.aside`, `${folder}.back`).then(() => undefined);
    await rename(folder, `${folder}.file`);
    await rename(`${folder}.back`, folder);
    expect(operation).toMatchObject({ state: 'failed', problem: { code: 'snapshot-failed' } });
    expect((await list('web')).find(({ name }) => name === 'hopeless')?.state).toBe('failed');
    const before = await counterOf('web');
    await waitFor('the guest to go on', async () => (await counterOf('web')) > before);
  });

  test('takes its snapshots along when it is deleted', async () => {
    const snapshots = await list('web');
    await world.done(await world.call<AcceptedView>('DELETE', '/instances/web'));
    expect(snapshots).toHaveLength(3);
    for (const { id } of snapshots) await waitFor('its files to go', async () => !(await kept(id)), 30_000);
  });
});

describe('an instance with a disk', () => {
  const count = () => countOn(world, 'disk');

  test('goes back with the memory and the disk of one instant', async () => {
    await importInstantDisk(world);
    await world.create('disk', { image: 'instant' });
    expect(await count()).toBe('M1D0');
    expect(await count()).toBe('M2D1');
    await ask('disk', 'two').then((asked) => world.done(asked));
    expect(await count()).toBe('M3D2');
    expect(await count()).toBe('M4D3');
    await world.done(await restore('disk', 'two'));
    expect(await count()).toBe('M3D2');
    await world.act('disk', 'reboot');
    expect(await count()).toBe('M1D3');
  });
});
