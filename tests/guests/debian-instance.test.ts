import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { bootMs, isDebianThere } from './debian-image.js';
import { DebianWorld } from './debian-world.js';

describe.skipIf(!isDebianThere)('a whole Debian, by the command line', () => {
  let world: DebianWorld;
  beforeAll(async () => {
    world = await DebianWorld.open();
  });
  afterAll(() => world?.close());

  test('its image is taken in and an instance of it is ready when its agent answers', async () => {
    const readyMs = await world.create();
    process.stdout.write(`Debian: ready ${(readyMs / 1000).toFixed(1)} s after it was asked for\n`);
    expect(await world.get()).toMatchObject({ state: 'running', restartCount: 0, ports: [{ guestPort: 22 }] });
  });

  test('its agent runs commands: what they write and how they end comes back', async () => {
    expect(await world.exec('cat /etc/os-release')).toContain('ID=debian');
    const failing = ['instance', 'exec', 'web', '--timeout', '60s', '--', 'sh', '-c', 'echo no; exit 3'];
    expect(await world.tried(...failing)).toMatchObject({ exitCode: 3, stdout: 'no\n' });
  });

  test('its owner gets in by ssh, and finds its name and what it was told', async () => {
    expect(await world.ssh('hostname; id -un')).toBe('web\ndebian\n');
    const told = async () => (await world.ssh('sudo cat /root/told || true')) === 'yes\n';
    await waitFor('what it was told to do', told, bootMs);
    expect(await world.tried(...world.sshTo('exit 7'))).toMatchObject({ exitCode: 7 });
  });

  test('another guest behind its address is not taken for it', async () => {
    const known = join(world.folder, 'ssh', (await world.get()).id);
    const right = await readFile(known, 'utf8');
    const { stdout: other } = await promisify(execFile)('ssh-keygen', ['-y', '-f', join(world.folder, 'key')]);
    await writeFile(known, `${right.split(' ')[0]} ${other}`);
    const { exitCode, stderr } = await world.tried(...world.sshTo('true'));
    await writeFile(known, right);
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('Host key verification failed')]);
    expect(await world.ssh('hostname')).toBe('web\n');
  });

  test('its serial console shows its login prompt', async () => {
    const shown = async () => (await world.berth('instance', 'console', 'web')).includes('web login:');
    await expect(waitFor('the prompt', shown, bootMs)).resolves.toBe(true);
  });

  test('what it wrote is there when it was stopped and started, and so are its keys and its name', async () => {
    const identity = 'cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/hostname';
    const before = await world.ssh(identity);
    await world.ssh('echo kept > note');
    await world.berth('instance', 'stop', 'web');
    await world.berth('instance', 'start', 'web');
    expect(await world.ssh(`cat note; ${identity}`)).toBe(`kept\n${before}`);
    expect(await world.get()).toMatchObject({ state: 'running', generation: 2, restartCount: 0 });
  });

  test('its clones have a name, machine id, card, ssh host key and random numbers of their own', async () => {
    await world.ssh('echo of the source > note; sync');
    const names = ['web', 'twin-1', 'twin-2'];
    for (const name of names.slice(1)) await world.berth('instance', 'clone', 'web', name);
    const random = 'head -c 16 /dev/urandom | sha256sum';
    const key = 'sudo cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub';
    const identity = `hostname; cat /etc/machine-id /sys/class/net/e*/address; ${key}; ${random}`;
    const identities = [];
    for (const name of names) identities.push((await world.ssh(identity, name)).trim().split('\n'));
    expect(identities.map(([hostname]) => hostname)).toEqual(names);
    expect(new Set(identities.flat()).size).toBe(names.length * 5);
    for (const name of names) expect(await world.ssh('cat note', name)).toBe('of the source\n');
    expect(await world.get()).toMatchObject({ state: 'running', restartCount: 0 });
  });
});
