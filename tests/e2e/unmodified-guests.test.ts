import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { medium, UnmodifiedGuest } from '../guests/unmodified-guest.js';
import { packaged } from '../guests/packaged.js';
import { TcgNode } from './tcg-node.js';

const bootMs = 60_000;

describe('a guest from its own medium, unmodified', () => {
  let node: TcgNode;
  beforeAll(async () => {
    node = await TcgNode.open();
  });
  afterEach(() => node.releaseAll());
  afterAll(() => node.end());

  test('GRUB comes from CD to its menu, and hears the keyboard', async () => {
    const drives = [medium('cdrom', packaged('grub-rescue-pc', 'usr/lib/grub-rescue/grub-rescue-cdrom.iso'))];
    const guest = await UnmodifiedGuest.boot(node, { drives }, bootMs);
    expect(await guest.until('screen', 'Press enter to boot', bootMs)).toContain('GNU GRUB');
    await guest.press(['c', ...Array.from('echo At_"$grub_platform"'), 'enter']);
    await guest.until('screen', /^At_pc$/m, bootMs);
  });

  test('GRUB comes from diskette to its menu, on a machine of before virtio', async () => {
    const drives = [medium('floppy', packaged('grub-rescue-pc', 'usr/lib/grub-rescue/grub-rescue-floppy.img'))];
    const guest = await UnmodifiedGuest.boot(node, { profile: 'floppy', drives }, bootMs);
    expect(await guest.until('screen', 'Press enter to boot', bootMs)).toContain('GNU GRUB');
  });

  test('memtest86+ comes from CD by IDE and tests memory', async () => {
    const drives = [medium('cdrom', packaged('memtest86+', 'usr/lib/memtest86+/memtest86+x64.iso'))];
    const guest = await UnmodifiedGuest.boot(node, { profile: 'legacy-ide', drives }, bootMs);
    expect(await guest.until('screen', /Pass +\d+%/, bootMs)).toContain('Memtest86+');
  });

  test('iPXE comes from CD, finds its card and gets an address', async () => {
    const drives = [medium('cdrom', packaged('ipxe', 'usr/lib/ipxe/ipxe.iso'))];
    const network = { macAddress: '52:54:00:00:00:01', forwards: [] };
    const guest = await UnmodifiedGuest.boot(node, { drives, network }, bootMs);
    expect(await guest.until('screen', /net0.*\.\.\. ok/i, bootMs)).toContain('iPXE');
  });
});
