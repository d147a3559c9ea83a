import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { bootMs, isDebianThere } from './debian-image.js';
import { DebianWorld } from './debian-world.js';

const names = ['web', 'copy-1', 'copy-2'];

describe.skipIf(!isDebianThere)('a whole Debian, begun from a template', () => {
  let world: DebianWorld;
  let bootedMs: number;
  beforeAll(async () => {
    world = await DebianWorld.open({ tcgNodes: 1 });
  });
  afterAll(() => world?.close());

  test('which is made after the first of its kind was booted', async () => {
    bootedMs = await world.create();
    const whole = async () => {
      const files = await readdir(join(world.nodeFolder, 'templates'), { recursive: true }).catch(() => []);
      return files.find((file) => file.endsWith('template.json'));
    };
    await expect(waitFor('a template', whole, bootMs)).resolves.toBeDefined();
  });

  test('is ready in a fifth of the time of a boot', async () => {
    for (const name of names.slice(1)) {
      const readyMs = await world.createLike(name);
      process.stdout.write(`${name}: ready in ${Math.round(readyMs)} ms, booted in ${Math.round(bootedMs)} ms\n`);
      expect(readyMs).toBeLessThan(bootedMs / 5);
    }
    expect(await world.nodeMetrics()).toContain('berth_template_starts_total{outcome="warm"} 2\n');
  });

  test('shares no name, machine id, card, ssh host key or random number with another, and knows the time', async () => {
    const key = 'sudo cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub';
    const random = 'head -c 16 /dev/urandom | sha256sum';
    const identity = `hostname; cat /etc/machine-id /sys/class/net/e*/address; ${key}; ${random}; date +%s`;
    const identities = [];
    for (const name of names) {
      const own = (await world.ssh(identity, name)).trim().split('\n');
      expect(Math.abs(Number(own.pop()) * 1000 - Date.now())).toBeLessThan(30_000);
      identities.push(own);
    }
    expect(identities.map(([hostname]) => hostname)).toEqual(names);
    expect(new Set(identities.flat()).size).toBe(names.length * 5);
  });

  test('does what it was told for its first boot', async () => {
    const told = async () => (await world.ssh('sudo cat /root/told || true', 'copy-1')) === 'yes\n';
    await expect(waitFor('what it was told to do', told, bootMs)).resolves.toBe(true);
  });

  test('goes on where it was suspended, and keeps its keys and what it wrote when it boots', async () => {
    const known = 'cat note /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/hostname; sudo cat /root/told';
    await world.ssh('echo kept > note; sync', 'copy-1');
    const before = await world.ssh(known, 'copy-1');
    await world.berth('instance', 'suspend', 'copy-1');
    await world.berth('instance', 'resume', 'copy-1');
    expect(await world.ssh(known, 'copy-1')).toBe(before);
    await world.berth('instance', 'stop', 'copy-1');
    await world.berth('instance', 'start', 'copy-1');
    expect(await world.ssh(known, 'copy-1')).toBe(before);
  });
});
