import { afterAll, beforeAll, expect, test } from 'vitest';
import { TcgNode } from '../e2e/tcg-node.js';
import { installerFile } from './debian-installer.js';
import { UnmodifiedGuest } from './unmodified-guest.js';

const bootMs = 15 * 60_000;
/** A page of text, by a serial line. */
const drawnMs = 60_000;

let node: TcgNode;
beforeAll(async () => {
  node = await TcgNode.open();
});
afterAll(() => node.end());

test("Debian's network installer comes to its first question", async () => {
  const guest = await UnmodifiedGuest.boot(
    node,
    {
      memoryMib: 1024,
      image: {
        kind: 'kernel-initrd',
        kernelPath: installerFile('linux'),
        initrdPath: installerFile('initrd.gz'),
        cmdline: 'console=ttyS0 TERM=vt102 quiet',
      },
      ready: { serial: 'Choose the language' },
      network: { macAddress: '52:54:00:00:00:02', forwards: [] },
    },
    bootMs,
  );
  process.stdout.write(`Debian installer: first question after ${(guest.readyMs / 1000).toFixed(1)} s\n`);
  await expect.poll(() => guest.serial(), { timeout: drawnMs }).toContain('English');
});
