import type { FileHandle } from 'node:fs/promises';
import { demand } from './refusal.js';

export const elfMagic = '\x7fELF';

/** Of the ELF specification, 64 bits, little-endian. */
const elf = { headerBytes: 64, class64: 2, littleEndian: 1, machineX86: 62, entryBytes: 56, load: 1, note: 4 };
const entriesMax = 64;
const notesMaxBytes = 1024 * 1024;
/** XEN_ELFNOTE_PHYS32_ENTRY: where a kernel is entered that is in memory already. */
const pvhNote = { name: 'Xen\0', type: 18 };

interface Segment {
  readonly type: number;
  readonly offset: bigint;
  readonly bytes: bigint;
}

/** Whole, and with an entry by which QEMU starts it without a boot loader. @throws ImageRefusal */
export async function demandPvh(file: FileHandle, fileBytes: number, wanted: string): Promise<void> {
  const header = await read(file, 0, elf.headerBytes);
  const isOurs = header[4] === elf.class64 && header[5] === elf.littleEndian;
  demand(isOurs && header.readUInt16LE(18) === elf.machineX86, `it is an ELF image of another machine; ${wanted}`);
  for (const { type, offset, bytes } of await segments(file, header)) {
    if (type !== elf.load && type !== elf.note) continue;
    demand(offset + bytes <= BigInt(fileBytes), 'it ends before its last segment; hand in all of it');
    if (type === elf.note && (await hasPvhNote(file, Number(offset), Number(bytes)))) return;
  }
  demand(false, `it is an ELF image without a PVH entry; ${wanted}`);
}

async function segments(file: FileHandle, header: Buffer): Promise<Segment[]> {
  const table = header.readBigUInt64LE(32);
  const count = header.readUInt16LE(56);
  const isRight = header.readUInt16LE(54) === elf.entryBytes && count > 0 && count <= entriesMax && table < 2n ** 40n;
  demand(isRight, 'its table of ELF segments is broken');
  const entries = await read(file, Number(table), count * elf.entryBytes);
  return Array.from({ length: count }, (_, nth) => {
    const entry = entries.subarray(nth * elf.entryBytes);
    return { type: entry.readUInt32LE(0), offset: entry.readBigUInt64LE(8), bytes: entry.readBigUInt64LE(32) };
  });
}

async function hasPvhNote(file: FileHandle, offset: number, bytes: number): Promise<boolean> {
  demand(bytes <= notesMaxBytes, 'its ELF notes are too long');
  const notes = await read(file, offset, bytes);
  const padded = (length: number) => Math.ceil(length / 4) * 4;
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameBytes, descriptionBytes] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4)];
    const name = notes.toString('latin1', at + 12, at + 12 + Math.min(nameBytes, pvhNote.name.length));
    if (name === pvhNote.name && notes.readUInt32LE(at + 8) === pvhNote.type) return true;
    at += 12 + padded(nameBytes) + padded(descriptionBytes);
  }
  return false;
}

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  demand(bytesRead === bytes, 'it ends within its own ELF header');
  return buffer;
}
