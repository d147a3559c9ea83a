import type { FileHandle } from 'node:fs/promises';
import type { ImageArchitecture } from '@berth/domain/image-state.js';
import { demandPvh, elfMagic } from './pvh.js';
import { demand } from './refusal.js';

/** What is to be started with it. */
export interface KernelUse {
  readonly architecture: ImageArchitecture;
  readonly cmdline: string;
}

/** Of the Linux x86 boot protocol (Documentation/arch/x86/boot.rst): offsets in the file, little-endian. */
const at = { setupSectors: 0x1f1, size: 0x1f4, magic: 0x202, version: 0x206, flags: 0x211, more: 0x236, line: 0x238 };
const headerBytes = 0x260;
const magic = 'HdrS';
const isLoadedHigh = 1;
const is64Bit = 1;
/** First with each: a command line at any address, a size of the whole, a size of its command line, 64 bits told. */
const versions = { oldest: 0x202, size: 0x204, line: 0x206, bits: 0x20c };
/** Room for what drivers add to a command line: the guest's name and id, and what emulation needs. */
const addedMaxChars = 144;

const wanted = 'hand in a Linux bzImage (vmlinuz), or an ELF image built with CONFIG_PVH';

/** By our own eyes: that an engine can enter it, and that it is whole. @throws ImageRefusal */
export async function demandKernel(file: FileHandle, fileBytes: number, use: KernelUse): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  demand(bytesRead === headerBytes, `it has ${fileBytes} bytes; ${wanted}`);
  if (buffer.toString('latin1', at.magic, at.magic + magic.length) === magic) return checkLinux(buffer, fileBytes, use);
  demand(buffer.toString('latin1', 0, elfMagic.length) === elfMagic, `it is no kernel; ${wanted}`);
  demand(use.architecture === 'x86_64', 'an ELF image is of x86_64 only; hand in a bzImage, or declare it x86_64');
  await demandPvh(file, fileBytes, wanted);
}

function checkLinux(header: Buffer, fileBytes: number, { architecture, cmdline }: KernelUse): void {
  const version = header.readUInt16LE(at.version);
  const told = `${version >> 8}.${version & 0xff}`;
  demand(version >= versions.oldest, `its boot protocol is ${told}; 2.2 or later is needed`);
  demand((header.readUInt8(at.flags) & isLoadedHigh) !== 0, `it is a zImage; ${wanted}`);
  const setupBytes = ((header.readUInt8(at.setupSectors) || 4) + 1) * 512;
  const paragraphs = version >= versions.size ? header.readUInt32LE(at.size) : 1;
  const least = setupBytes + 16 * Math.max(0, paragraphs - 1) + 1;
  demand(fileBytes >= least, `it has ${fileBytes} bytes and claims at least ${least}; hand in all of it`);
  if (version >= versions.bits) {
    const own = header.readUInt16LE(at.more) & is64Bit ? 'x86_64' : 'i386';
    demand(own === architecture, `it is a kernel for ${own}; declare the image's architecture so`);
  }
  if (version < versions.line) return;
  const most = header.readUInt32LE(at.line) - addedMaxChars;
  demand(cmdline.length <= most, `its command line may have ${most} characters, not ${cmdline.length}: shorten it`);
}

/** What Linux unpacks, by its first bytes. */
const archives: readonly [string, string][] = [
  ['cpio', '070701'],
  ['cpio with checksums', '070702'],
  ['gzip', '\x1f\x8b'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ\0'],
  ['lzma', '\x5d\0\0'],
  ['lzo', '\x89LZO\0\r\n\x1a\n'],
  ['lz4, as Linux has it', '\x02\x21\x4c\x18'],
  ['zstd', '\x28\xb5\x2f\xfd'],
];
const archiveHeadBytes = 16;

/** @throws ImageRefusal */
export async function demandInitrd(file: FileHandle): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(archiveHeadBytes), 0, archiveHeadBytes, 0);
  const head = buffer.toString('latin1', 0, bytesRead);
  const isKnown = archives.some(([, sign]) => head.startsWith(sign));
  const names = 'gzip, bzip2, xz, lzma, lzo, lz4 -l or zstd';
  demand(isKnown, `it is no RAM disk; hand in a cpio archive (cpio -o -H newc), plain or packed with ${names}`);
}
