import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFat } from '../../libs/images/src/seed/fat.fixture.js';
import { GuestWorld } from './guest-world.js';
import { countOn, importInstantDisk } from './instant-disk.js';

let world: GuestWorld;
beforeAll(async () => {
  world = await GuestWorld.open();
  await importInstantDisk(world);
});
afterAll(() => world?.close());

async function seedOf(id: string) {
  const { files } = readFat(await readFile(join(world.world.folder, 'tcg', 'disks', id, 'seed.img')));
  const { 'instance-id': firstBootId } = JSON.parse(files.get('meta-data')!.toString()) as Record<string, string>;
  return { firstBootId, userData: files.get('user-data')!.toString() };
}

test('a rebuilt instance has lost what its disk held, boots with the user data of now, and is the same', async () => {
  const { id, node } = await world.create('again', { image: 'instant', userData: 'of before' });
  await countOn(world, 'again');
  expect(await countOn(world, 'again')).toBe('M2D1');
  expect(await seedOf(id)).toEqual({ firstBootId: id, userData: 'of before' });
  const rebuild = ['instance', 'rebuild', 'again'];
  expect((await world.berth(...rebuild)).stderr).toContain('repeat it with --yes');
  expect((await world.berth(...rebuild, '--user-data', 'of now', '--yes')).exitCode).toBe(0);
  expect(await countOn(world, 'again')).toBe('M1D0');
  expect(await seedOf(id)).toEqual({ firstBootId: `${id}.1`, userData: 'of now' });
  expect(await world.get('again')).toMatchObject({ id, node, state: 'running', generation: 2, restartCount: 0 });
  await world.act('again', 'stop');
  await world.act('again', 'start');
  expect(await countOn(world, 'again')).toBe('M1D1');
});

test('it becomes another system, and back', async () => {
  await world.act('again', 'rebuild', { image: 'tiny' });
  const said = await world.berth('instance', 'exec', 'again', '--', 'hostname');
  expect(said.stdout).toBe('again\n');
  await world.act('again', 'rebuild', { image: 'instant' });
  expect(await countOn(world, 'again')).toBe('M1D0');
});
