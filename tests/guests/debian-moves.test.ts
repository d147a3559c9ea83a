import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { bootMs, isDebianThere } from './debian-image.js';
import { DebianWorld } from './debian-world.js';

/** Never stops writing, so that what is on its disk and what it remembers must be of one instant. */
const writing = `n=0
while :; do
  n=$((n+1))
  head -c 20000 /dev/urandom >part.$n
  sha256sum part.$n >>sums
  sync
  sleep 0.2
done`;

/** What came with these packages, where the image has it still. */
const checking = 'cat /var/lib/dpkg/info/{coreutils,openssh-server}.md5sums | md5sum --quiet --ignore-missing -c';

describe.skipIf(!isDebianThere)('a whole Debian that is moved', () => {
  let world: DebianWorld;
  beforeAll(async () => {
    world = await DebianWorld.open();
    await world.create();
    const unit = ['systemd-run', '--quiet', '--unit', 'writing', '--working-directory', '/srv', 'sh', '-c', writing];
    await world.berth('instance', 'exec', 'web', '--timeout', '60s', '--', ...unit);
  }, 2 * bootMs);
  afterAll(() => world?.close());

  const written = async () => Number(await world.exec('cat /srv/sums 2>/dev/null | wc -l'));
  const bootId = () => world.exec('cat /proc/sys/kernel/random/boot_id');
  const writesOn = (from: number) => waitFor('it to write', async () => (await written()) > from, bootMs);
  /** Read from the disk: what it wrote, and the programs that came with it. */
  const isWhole = async () => {
    await world.exec('echo 3 >/proc/sys/vm/drop_caches');
    await world.ssh('cd /srv && sha256sum --quiet -c sums');
    await world.ssh(`cd / && ${checking}`);
    const units = ['writing', 'qemu-guest-agent', 'ssh'];
    expect(await world.exec(`systemctl is-active ${units.join(' ')}`)).toBe('active\n'.repeat(units.length));
  };

  test(
    'writes on elsewhere, none of its files is torn, and its owner gets in there',
    async () => {
      await writesOn(10);
      const [before, booted, count] = [await world.get(), await bootId(), await written()];
      await world.berth('instance', 'migrate', 'web');
      const after = await world.get();
      expect(after).toMatchObject({ state: 'running', generation: before.generation + 1, restartCount: 0 });
      expect(after.node).not.toBe(before.node);
      await writesOn(count + 10);
      expect(await bootId()).toBe(booted);
      await isWhole();
      const hasDisk = (node: string | null) => existsSync(join(world.folder, String(node), 'disks', after.id));
      expect([hasDisk(after.node), hasDisk(before.node)]).toEqual([true, false]);
    },
    2 * bootMs,
  );

  test(
    'goes back to a snapshot with its memory and its disk, and its owner gets in again',
    async () => {
      const booted = await bootId();
      await world.berth('snapshot', 'create', 'web', '--name', 'before');
      const count = await written();
      await world.ssh('sudo rm /usr/bin/md5sum && sync');
      await writesOn(count + 20);
      await world.berth('instance', 'restore', 'web', '--snapshot', 'before', '--yes');
      expect(await written()).toBeLessThan(count + 20);
      await writesOn(count);
      expect(await bootId()).toBe(booted);
      await isWhole();
    },
    2 * bootMs,
  );
});
