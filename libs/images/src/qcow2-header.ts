import { demand } from './refusal.js';

/** Of docs/interop/qcow2.txt in QEMU's sources; numbers are big-endian. */
const magic = 0x51_46_49_fb;
const v2HeaderBytes = 72;
const v3HeaderBytes = 104;
const featureBits = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n };
const allowedFeatures = featureBits.dirty | featureBits.compression | featureBits.extendedL2;
const extensions = { end: 0, dataFileName: 0x44_41_54_41, encryption: 0x05_37_be_77 };
/** QEMU's own bounds of the two tables it reads whole. */
const l1MaxBytes = 32 * 1024 ** 2;
const refcountTableMaxBytes = 8 * 1024 ** 2;
/** Room for metadata beside the data a disk may have at most. */
const spareBytes = 64 * 1024 ** 2;
/** The first cluster, at its largest, holds header, extensions and the backing file's name. */
export const qcow2HeadBytes = 2 ** 21;

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly virtualSizeBytes: number;
  /** Undefined: it stands alone. */
  readonly backingPath: string | undefined;
}

export interface Qcow2Bounds {
  readonly fileBytes: number;
  readonly virtualMaxBytes: number;
}

/**
 * Reads and checks a qcow2 header so that no other program has to be trusted with a hostile one: what is let through
 * names no other file, and its tables lie within the file and its own bounds. `head`: the file's first
 * `qcow2HeadBytes`, or all of it.
 * @throws ImageRefusal
 */
export function readQcow2Header(head: Buffer, bounds: Qcow2Bounds): Qcow2Header {
  demand(head.length >= v2HeaderBytes && head.readUInt32BE(0) === magic, 'it is too short for a qcow2 header');
  const version = head.readUInt32BE(4);
  demand(version === 2 || version === 3, `it is qcow2 of version ${version}; 2 and 3 are known`);
  const clusterBits = head.readUInt32BE(20);
  demand(clusterBits >= 9 && clusterBits <= 21, `its clusters are 2^${clusterBits} bytes; 2^9 to 2^21 are allowed`);
  demand(head.readUInt32BE(32) === 0, 'it is encrypted; hand it in decrypted');
  demand(head.readUInt32BE(60) === 0, 'it has internal snapshots; remove them with qemu-img snapshot -d');
  const features = version === 2 ? 0n : readFeatures(head, clusterBits);
  const virtualSizeBytes = readSize(head, bounds);
  checkTables(head, bounds.fileBytes, { clusterBits, features, virtualSizeBytes });
  checkExtensions(head, version === 2 ? v2HeaderBytes : head.readUInt32BE(100), 2 ** clusterBits);
  return { version, clusterBits, virtualSizeBytes, backingPath: readBackingPath(head, clusterBits) };
}

/** @throws ImageRefusal */
export function demandNoBacking({ backingPath }: Qcow2Header): void {
  if (backingPath === undefined) return;
  demand(false, 'it has a backing file; hand in a whole disk: qemu-img convert -O qcow2 IN OUT');
}

function readFeatures(head: Buffer, clusterBits: number): bigint {
  demand(head.length >= v3HeaderBytes, 'it is too short for a qcow2 header of version 3');
  const features = head.readBigUInt64BE(72);
  demand((features & featureBits.dataFile) === 0n, 'it keeps its data in another file; hand in a whole disk');
  demand((features & featureBits.corrupt) === 0n, 'it is marked corrupt; repair it with qemu-img check -r all');
  demand((features & ~allowedFeatures) === 0n, `it uses unknown features (0x${features.toString(16)})`);
  demand((features & featureBits.extendedL2) === 0n || clusterBits >= 14, 'its clusters are too small for subclusters');
  demand(head.readUInt32BE(96) <= 6, `its reference counts are 2^${head.readUInt32BE(96)} bits wide; at most 2^6`);
  const length = head.readUInt32BE(100);
  const fits = length >= v3HeaderBytes && length <= 2 ** clusterBits && length % 8 === 0 && length <= head.length;
  demand(fits, `its header claims ${length} bytes`);
  const compression = length > v3HeaderBytes ? head.readUInt8(104) : 0;
  const isTold = (features & featureBits.compression) !== 0n;
  demand(compression <= 1 && (compression !== 0) === isTold, `its compression (${compression}) is not known`);
  return features;
}

function readSize(head: Buffer, { fileBytes, virtualMaxBytes }: Qcow2Bounds): number {
  const size = head.readBigUInt64BE(24);
  demand(size > 0n, 'its disk has no bytes');
  demand(size <= BigInt(virtualMaxBytes), `its disk is ${size} bytes; at most ${virtualMaxBytes} are allowed`);
  const virtualSizeBytes = Number(size);
  const most = 2 * virtualSizeBytes + spareBytes;
  demand(fileBytes <= most, `the file has ${fileBytes} bytes for a disk of ${virtualSizeBytes}`);
  return virtualSizeBytes;
}

interface Shape {
  readonly clusterBits: number;
  readonly features: bigint;
  readonly virtualSizeBytes: number;
}

function checkTables(head: Buffer, fileBytes: number, { clusterBits, features, virtualSizeBytes }: Shape): void {
  const clusterBytes = 2 ** clusterBits;
  const entryBytes = (features & featureBits.extendedL2) === 0n ? 8 : 16;
  const l1Entries = head.readUInt32BE(36);
  const needed = Math.ceil(virtualSizeBytes / clusterBytes / (clusterBytes / entryBytes));
  demand(l1Entries * 8 <= l1MaxBytes && l1Entries >= needed, `its L1 table has ${l1Entries} entries, not ${needed}`);
  const checkPlace = (what: string, offset: bigint, bytes: number): void => {
    const isInside = offset > 0n && offset + BigInt(bytes) <= BigInt(fileBytes);
    const isAligned = offset % BigInt(clusterBytes) === 0n;
    demand(isInside && isAligned, `its ${what} lies outside the file or between clusters`);
  };
  checkPlace('L1 table', head.readBigUInt64BE(40), l1Entries * 8);
  const refcountBytes = head.readUInt32BE(56) * clusterBytes;
  demand(refcountBytes > 0 && refcountBytes <= refcountTableMaxBytes, 'its table of reference counts has a wrong size');
  // QEMU lays the table out in whole clusters, but a fresh file may end within the last one
  checkPlace('table of reference counts', head.readBigUInt64BE(48), 8);
}

function checkExtensions(head: Buffer, begin: number, clusterBytes: number): void {
  const end = Math.min(clusterBytes, head.length);
  for (let at = begin; at + 8 <= end;) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === extensions.end) return;
    demand(at + 8 + length <= end, 'a header extension is longer than its cluster');
    demand(type !== extensions.dataFileName, 'it keeps its data in another file; hand in a whole disk');
    demand(type !== extensions.encryption, 'it is encrypted; hand it in decrypted');
    at += 8 + Math.ceil(length / 8) * 8;
  }
}

function readBackingPath(head: Buffer, clusterBits: number): string | undefined {
  const offset = head.readBigUInt64BE(8);
  const length = head.readUInt32BE(16);
  if (offset === 0n && length === 0) return undefined;
  const end = offset + BigInt(length);
  const isInside =
    offset > 0n && length > 0 && length <= 1023 && end <= BigInt(Math.min(2 ** clusterBits, head.length));
  demand(isInside, 'it names a backing file, and that outside its first cluster');
  return head.toString('utf8', Number(offset), Number(end));
}
