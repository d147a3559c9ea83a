/** Of a bzImage, right in every field but those given: what a test spoils on purpose. */
export interface BzImageFields {
  readonly magic?: string;
  readonly version?: number;
  readonly loadFlags?: number;
  readonly setupSectors?: number;
  /** Of what follows the setup, in units of 16 bytes. */
  readonly paragraphs?: number;
  readonly is64Bit?: boolean;
  readonly cmdlineMax?: number;
  readonly fileBytes?: number;
}

export function bzImageOf(fields: BzImageFields = {}): Buffer {
  const { setupSectors = 4, paragraphs = 64 } = fields;
  const whole = (setupSectors + 1) * 512 + 16 * paragraphs;
  const file = Buffer.alloc(Math.max(fields.fileBytes ?? whole, 0x260), 0x90);
  file.writeUInt8(setupSectors, 0x1f1);
  file.writeUInt32LE(paragraphs, 0x1f4);
  file.write(fields.magic ?? 'HdrS', 0x202, 'latin1');
  file.writeUInt16LE(fields.version ?? 0x20f, 0x206);
  file.writeUInt8(fields.loadFlags ?? 1, 0x211);
  file.writeUInt16LE((fields.is64Bit ?? true) ? 1 : 0, 0x236);
  file.writeUInt32LE(fields.cmdlineMax ?? 2047, 0x238);
  return file.subarray(0, fields.fileBytes ?? whole);
}

export interface PvhElfFields {
  readonly class?: number;
  readonly machine?: number;
  readonly segments?: number;
  readonly note?: string;
  readonly noteType?: number;
  readonly noteBytes?: bigint;
  readonly loadBytes?: bigint;
}

const headerBytes = 64;
const entryBytes = 56;

/** An ELF image of 64 bits with one segment to load and one of notes, of which one is PVH's. */
export function pvhElfOf(fields: PvhElfFields = {}): Buffer {
  const [load, note] = [Buffer.alloc(1024, 0x90), Buffer.alloc(20)];
  note.writeUInt32LE(4, 0);
  note.writeUInt32LE(4, 4);
  note.writeUInt32LE(fields.noteType ?? 18, 8);
  note.write(fields.note ?? 'Xen\0', 12, 'latin1');
  const header = Buffer.alloc(headerBytes);
  header.write('\x7fELF', 0, 'latin1');
  header.set([fields.class ?? 2, 1, 1], 4);
  header.writeUInt16LE(fields.machine ?? 62, 18);
  header.writeBigUInt64LE(BigInt(headerBytes), 32);
  header.writeUInt16LE(entryBytes, 54);
  header.writeUInt16LE(fields.segments ?? 2, 56);
  const at = headerBytes + 2 * entryBytes;
  const entries = [
    entryOf(1, at, fields.loadBytes ?? BigInt(load.length)),
    entryOf(4, at + load.length, fields.noteBytes ?? BigInt(note.length)),
  ];
  return Buffer.concat([header, ...entries, load, note]);
}

function entryOf(type: number, offset: number, bytes: bigint): Buffer {
  const entry = Buffer.alloc(entryBytes);
  entry.writeUInt32LE(type, 0);
  entry.writeBigUInt64LE(BigInt(offset), 8);
  entry.writeBigUInt64LE(bytes, 32);
  return entry;
}

/** As much of a RAM disk as anybody looks at before the kernel does. */
export const initrdBytes = Buffer.from('070701'.padEnd(512, '0'));
