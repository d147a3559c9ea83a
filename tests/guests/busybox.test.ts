import { execFileSync } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Drive } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TcgNode } from '../e2e/tcg-node.js';
import { installerFile } from './debian-installer.js';
import { packaged } from './packaged.js';
import { UnmodifiedGuest } from './unmodified-guest.js';

const bootMs = 10 * 60_000;

/** The shell says its name, and who it was started by; what other families bring along is not there. */
const aboutShell = 'print -r "shell=<$KSH_VERSION> init=<$(readlink /proc/1/exe)> others=<$(ls -d /lib* /usr 2>&-)>"';
const aboutTools = 'for tool in cat ls ps getty login; do readlink -f /bin/$tool; done | uniq -c; hostname';

describe('a system of BusyBox and of a shell of musl, from its own disk', () => {
  let node: TcgNode;
  let diskPath: string;
  beforeAll(async () => {
    node = await TcgNode.open();
    diskPath = join(node.statePath, 'busybox.raw');
    makeDisk(diskPath);
  });
  afterEach(() => node.releaseAll());
  afterAll(async () => {
    await rm(diskPath, { force: true });
    await node.end();
  });

  test.each(['virtio', 'legacy-ide'] as const)(
    '%s: boots by its own GRUB to its login prompt, and there is nothing of GNU behind it',
    async (profile) => {
      const drives = [await overlay(profile)];
      const guest = await UnmodifiedGuest.boot(
        node,
        { memoryMib: 256, profile, ready: { serial: 'box login:' }, drives },
        bootMs,
      );
      process.stdout.write(`BusyBox, ${profile}: login prompt after ${(guest.readyMs / 1000).toFixed(1)} s\n`);
      await guest.type('root\n');
      await guest.until('serial', 'Password:', bootMs);
      await guest.type('berth\n');
      await guest.until('serial', /^# ?$/m, bootMs);
      await guest.type(`${aboutShell}\n`);
      const shell = await guest.until('serial', /shell=<@.*>/, bootMs);
      expect(shell).toMatch(/shell=<@\(#\)MIRBSD KSH R59 [^>]*> init=<\/bin\/busybox> others=<>/);
      await guest.type(`${aboutTools}\n`);
      expect(await guest.until('serial', /^box\r?$/m, bootMs)).toMatch(/ 5 \/bin\/busybox/);
    },
  );

  /** The disk itself is never written to. */
  async function overlay(profile: string): Promise<Drive> {
    const path = join(node.statePath, `${profile}.qcow2`);
    const { size } = await stat(diskPath);
    await createOverlay({ path: diskPath, format: 'raw', virtualSizeBytes: size }, path, size);
    return {
      id: 'root',
      medium: 'disk',
      path,
      format: 'qcow2',
      readOnly: false,
      backing: [{ path: diskPath, format: 'raw' }],
    };
  }
});

function makeDisk(path: string): void {
  const library = packaged('libdevmapper1.02.1', 'lib/x86_64-linux-gnu/libdevmapper.so.1.02.1');
  const parts = [
    installerFile('linux'),
    packaged('busybox-static', 'bin/busybox'),
    packaged('mksh', 'usr/lib/x86_64-linux-musl/bin/mksh'),
    packaged('grub-common', 'usr/bin/grub-mkimage'),
    dirname(packaged('grub-pc-bin', 'usr/lib/grub/i386-pc/boot.img')),
  ];
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LD_LIBRARY_PATH: dirname(library) };
  execFileSync('sh', [join(import.meta.dirname, 'busybox-disk.sh'), path, ...parts], { env });
}
