import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp, type AppProcess } from '../datacenter.js';
import { GuestWorld } from './guest-world.js';
import { countOn, importInstantDisk } from './instant-disk.js';

let world: GuestWorld;
let successor: AppProcess | undefined;
beforeAll(async () => {
  world = await GuestWorld.open({ tcgNodes: 2 });
  await importInstantDisk(world);
  await importInstantDisk(world, 'other');
});
afterAll(async () => {
  await successor?.stop();
  await world?.close();
});

async function says(name: string, command: string): Promise<string> {
  const body = { command: ['sh', '-c', command], timeoutSeconds: 60 };
  return (await world.call<CommandView>('POST', `/instances/${name}/exec`, body)).body.output;
}
const counterIs = 'dd if=/dev/vda bs=512 skip=1 count=1 2>/dev/null | od -An -tu1 -N1 | tr -d " "';
const setCounter = (to: number): string =>
  `printf '\\00${to}' | dd of=/dev/vda bs=512 seek=1 conv=notrunc 2>/dev/null; sync; ${counterIs}`;

test('a rescue system reads and mends the disk of an instance, which then boots with what was mended', async () => {
  const { id } = await world.create('web', { image: 'instant', ports: [22] });
  await countOn(world, 'web');
  expect(await countOn(world, 'web')).toBe('M2D1');
  expect((await world.berth('instance', 'rescue', 'web')).exitCode).toBe(0);
  const rescued = { id, state: 'running', image: 'instant', rescueImage: 'tiny', generation: 2 };
  expect(await world.get('web')).toMatchObject({ ...rescued, ports: [{ guestPort: 22, hostPort: null }] });
  expect((await world.berth('instance', 'list')).stdout).toContain('tiny for instant');
  expect(await says('web', `hostname; ${counterIs}`)).toBe('web\n2\n');
  expect(await says('web', setCounter(6))).toBe('6\n');
  expect((await world.berth('instance', 'unrescue', 'web')).exitCode).toBe(0);
  expect(await countOn(world, 'web')).toBe('M1D6');
  expect(await world.get('web')).toMatchObject({ state: 'running', rescueImage: null, restartCount: 0 });
});

test('it stays rescued when it is stopped and started or moved while it runs, and its disk goes along', async () => {
  await world.act('web', 'rescue', { image: 'tiny' });
  await world.act('web', 'stop');
  await world.act('web', 'start');
  const { node } = await world.get('web');
  expect(await says('web', `echo here >/run/note; ${setCounter(4)}`)).toBe('4\n');
  await world.act('web', 'migrate');
  const moved = await world.get('web');
  expect([moved.state, moved.rescueImage, moved.node === node]).toEqual(['running', 'tiny', false]);
  expect(await says('web', `cat /run/note; ${setCounter(5)}`)).toBe('here\n5\n');
  await world.act('web', 'unrescue');
  expect(await countOn(world, 'web')).toBe('M1D5');
});

test('a rescue system with a disk of its own finds that new at each start, with the other behind it', async () => {
  for (const _ of ['first', 'second']) {
    await world.act('web', 'rescue', { image: 'other' });
    expect(await countOn(world, 'web')).toBe('M1D0');
    expect(await countOn(world, 'web')).toBe('M2D1');
    await world.act('web', 'unrescue');
  }
  expect(await countOn(world, 'web')).toBe('M1D1');
});

test('it is rescued though its worker is killed meanwhile', async () => {
  await world.create('spare', { image: 'instant' });
  const { node } = await world.get('spare');
  const asked = await world.call<AcceptedView>('POST', '/instances/spare/rescue');
  const worker = world.datacenter.processes.find(({ app, name }) => app === 'worker' && name === node)!;
  process.kill(worker.pid, 'SIGKILL');
  successor = await startApp(world.world, worker.start);
  await world.done(asked);
  expect(await says('spare', `hostname; ${setCounter(3)}`)).toBe('spare\n3\n');
  await world.act('spare', 'unrescue');
  expect(await countOn(world, 'spare')).toBe('M1D3');
});
