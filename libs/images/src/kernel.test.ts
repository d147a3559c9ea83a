import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bzImageOf, pvhElfOf, type BzImageFields, type PvhElfFields } from './kernel.fixture.js';
import { demandInitrd, demandKernel, type KernelUse } from './kernel.js';
import { ImageRefusal } from './refusal.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-kernel-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const onWide: KernelUse = { architecture: 'x86_64', cmdline: 'console=ttyS0' };
const onNarrow: KernelUse = { ...onWide, architecture: 'i386' };

async function verdictOn(bytes: Buffer, use: KernelUse | 'initrd' = onWide): Promise<unknown> {
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  const file = await open(path);
  try {
    await (use === 'initrd' ? demandInitrd(file) : demandKernel(file, bytes.length, use));
    return 'taken';
  } catch (error) {
    return error;
  } finally {
    await file.close();
  }
}

describe('the kernel reader', () => {
  it('takes a bzImage of either architecture, and an ELF image with a PVH entry', async () => {
    expect(await verdictOn(bzImageOf())).toBe('taken');
    expect(await verdictOn(bzImageOf({ is64Bit: false }), onNarrow)).toBe('taken');
    expect(await verdictOn(pvhElfOf())).toBe('taken');
  });

  it('takes an old bzImage that says nothing of 64 bits for what it is declared', async () => {
    const old = bzImageOf({ version: 0x203, is64Bit: false });
    expect([await verdictOn(old), await verdictOn(old, onNarrow)]).toEqual(['taken', 'taken']);
  });

  const longLine = { ...onWide, cmdline: 'x'.repeat(1000) };
  const refused: [string, BzImageFields, RegExp, KernelUse?][] = [
    ['no sign of Linux', { magic: 'HdrX' }, /no kernel; hand in a Linux bzImage/],
    ['a boot protocol of 2.1', { version: 0x201 }, /boot protocol is 2\.1; 2\.2 or later/],
    ['a zImage', { loadFlags: 0 }, /zImage/],
    ['a file that lost its end', { fileBytes: 3000 }, /has 3000 bytes and claims at least/],
    ['a size of 64 GiB', { paragraphs: 8, fileBytes: 2600, setupSectors: 200 }, /hand in all of it/],
    ['64 bits where 32 are declared', {}, /kernel for x86_64; declare/, onNarrow],
    ['32 bits where 64 are declared', { is64Bit: false }, /kernel for i386; declare/],
    ['a command line longer than it reads', { cmdlineMax: 1024 }, /may have 880 characters, not 1000/, longLine],
    ['less than a header', { fileBytes: 0x210 }, /has 528 bytes/],
  ];
  it.each(refused)('refuses a bzImage with %s and says so', async (_, fields, why, use) => {
    const verdict = await verdictOn(bzImageOf(fields), use);
    expect(verdict).toBeInstanceOf(ImageRefusal);
    expect((verdict as Error).message).toMatch(why);
  });

  const refusedElf: [string, PvhElfFields, RegExp, KernelUse?][] = [
    ['of 32 bits', { class: 1 }, /another machine/],
    ['of another machine', { machine: 183 }, /another machine/],
    ['declared i386', {}, /x86_64 only/, onNarrow],
    ['without a PVH entry', { noteType: 2 }, /without a PVH entry/],
    ['with the note of somebody else', { note: 'GNU\0' }, /without a PVH entry/],
    ['with no segments', { segments: 0 }, /broken/],
    ['with 65535 segments', { segments: 65_535 }, /broken/],
    ['that ends before its last segment', { loadBytes: 2n ** 20n }, /ends before/],
    ['with a segment of 2^64-1 bytes', { noteBytes: 2n ** 64n - 1n }, /ends before/],
  ];
  it.each(refusedElf)('refuses an ELF image %s and says so', async (_, fields, why, use) => {
    const verdict = await verdictOn(pvhElfOf(fields), use);
    expect(verdict).toBeInstanceOf(ImageRefusal);
    expect((verdict as Error).message).toMatch(why);
  });

  it('takes or refuses any spoilt kernel, and never trips over it', async () => {
    const spoilt = fc.array(fc.tuple(fc.nat({ max: 700 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 16 });
    const whole = fc.constantFrom(bzImageOf(), pvhElfOf());
    const told = await fc.check(
      fc.asyncProperty(whole, spoilt, fc.nat({ max: 4096 }), async (original, bytes, length) => {
        const file = Buffer.from(original);
        for (const [at, value] of bytes) file[at] = value;
        for (const one of [file, file.subarray(0, length)]) {
          const verdict = await verdictOn(one);
          if (verdict !== 'taken' && !(verdict instanceof ImageRefusal)) return false;
        }
        return true;
      }),
      { numRuns: 200 },
    );
    expect(told).toMatchObject({ failed: false });
  });
});

describe('the reader of RAM disks', () => {
  const cpio = Buffer.from('070701'.padEnd(512, '0'));
  const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(20)]);
  const zstd = Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.alloc(20)]);
  const lz4 = Buffer.concat([Buffer.from('02214c18', 'hex'), Buffer.alloc(20)]);
  it.each([
    ['plain', cpio],
    ['gzip', gzipSync(cpio)],
    ['xz', xz],
    ['zstd', zstd],
    ['lz4 -l', lz4],
  ])('takes a cpio archive, %s', async (_, bytes) => {
    expect(await verdictOn(bytes, 'initrd')).toBe('taken');
  });

  it.each([
    ['an old cpio', Buffer.from('070707'.padEnd(512, '0'))],
    ['a disk', Buffer.alloc(4096)],
    ['a kernel', bzImageOf()],
    ['an lz4 frame, which Linux does not read', Buffer.from('04224d18'.padEnd(40, '0'), 'hex')],
    ['one byte', Buffer.from('0')],
  ])('refuses %s and says what it wants', async (_, bytes) => {
    const verdict = await verdictOn(bytes, 'initrd');
    expect(verdict).toBeInstanceOf(ImageRefusal);
    expect((verdict as Error).message).toMatch(/no RAM disk; hand in a cpio archive \(cpio -o -H newc\)/);
  });
});
