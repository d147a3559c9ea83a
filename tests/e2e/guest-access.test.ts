import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFat } from '../../libs/images/src/seed/fat.fixture.js';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { openWorld, type World } from '../world.js';
import { screenText } from '../guests/screen-text.js';
import { call, importDiskette, importGrub, startGrub } from './grub-instance.js';

const secret = `#cloud-config\n# ${randomUUID()}\n`;
const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 1)]);
const key = `ssh-ed25519 ${blob.toString('base64')} me`;

let world: World;
let datacenter: Datacenter;
beforeAll(async () => {
  world = await openWorld();
  datacenter = await startDatacenter(world, { modelNodes: 0, tcgNodes: 1 });
  await importGrub(datacenter);
});
afterAll(async () => {
  await datacenter?.stop();
  await world?.close();
});

/** Every file of the control plane and the worker that a queue, a log or a note could have put it into. */
async function filesWith(text: string): Promise<string[]> {
  const names = await readdir(world.folder, { recursive: true });
  const holds = async (name: string): Promise<boolean> =>
    (await readFile(join(world.folder, name)).catch(() => Buffer.alloc(0))).includes(text);
  const found = await Promise.all(names.filter((name) => !name.startsWith('postgres/')).map(holds));
  return names.filter((name) => !name.startsWith('postgres/')).filter((_, at) => found[at]);
}

test('a guest gets what its owner told, its ports are open on the node, and nobody else sees the former', async () => {
  const access = { userData: secret, sshKeys: [key], ports: [22, 8080] };
  const instance = await startGrub(datacenter, 'reached', access);

  expect(instance.ports.map(({ guestPort, host }) => [guestPort, host])).toEqual([
    [22, '127.0.0.1'],
    [8080, '127.0.0.1'],
  ]);
  for (const { hostPort } of instance.ports) {
    const socket = connect(hostPort!, '127.0.0.1');
    await once(socket, 'connect'); // QEMU takes it; GRUB has nobody to pass it to
    socket.destroy();
  }

  const seed = join(world.folder, 'tcg', 'disks', instance.id, 'seed.img');
  const { files } = readFat(await readFile(seed));
  expect(files.get('user-data')?.toString()).toBe(secret);
  expect(JSON.parse(files.get('meta-data')!.toString())).toMatchObject({
    'local-hostname': 'reached',
    'public-keys': [key],
  });
  expect(await filesWith(secret)).toEqual([join('tcg', 'disks', instance.id, 'seed.img')]);
});

test('an instance has its ports again after a stop and a start, and none in between', async () => {
  const ports = await startGrub(datacenter, 'again', { ports: [22] }).then((instance) => instance.ports);
  const get = () => call<InstanceView>(datacenter, 'GET', '/instances/again');
  for (const verb of ['stop', 'start']) {
    const { operations } = await call<{ operations: { id: string }[] }>(datacenter, 'POST', `/instances/again/${verb}`);
    await call(datacenter, 'GET', `/operations/${operations[0]!.id}?wait=60000`);
    const shut = [{ guestPort: 22, host: null, hostPort: null }];
    expect((await get()).ports).toEqual(verb === 'stop' ? shut : ports);
  }
});

test('an image of an old system is given the devices of its age: it comes from diskette', async () => {
  await importDiskette(datacenter);
  await startGrub(datacenter, 'old', { image: 'grub-diskette' });
  const shown = async (): Promise<string> => {
    const { endpoint, token } = datacenter;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${endpoint}/v1/instances/old/screenshot`, { headers });
    return screenText(Buffer.from(await answer.arrayBuffer()));
  };
  await expect.poll(shown, { timeout: 60_000 }).toContain('GNU GRUB');
});
