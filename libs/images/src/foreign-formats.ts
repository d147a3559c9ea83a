import type { FileHandle } from 'node:fs/promises';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { demand } from './refusal.js';

/** Each refuses what names another file; whether the rest is right, the jailed qemu-img says. */
type Check = (file: FileHandle, fileBytes: number) => Promise<void>;

const sectorBytes = 512;
const descriptorMaxBytes = 1024 ** 2;
const parentless = 'it is the difference to another disk; hand in a whole one';

/** @throws ImageRefusal for a disk that is not whole in itself */
export async function demandSelfContained(format: ImportFormat, file: FileHandle, fileBytes: number): Promise<void> {
  await checks[format]?.(file, fileBytes);
}

const checks: Readonly<Partial<Record<ImportFormat, Check>>> = {
  iso: checkIso,
  vmdk: checkVmdk,
  vdi: checkVdi,
  vhd: checkVhd,
  vhdx: checkVhdx,
};

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  demand(bytesRead === bytes, 'it ends within its own header');
  return buffer;
}

/** ECMA-119 8.4: the primary volume descriptor says how many blocks there are. */
async function checkIso(file: FileHandle, fileBytes: number): Promise<void> {
  const descriptor = await read(file, 0x8000, 2048);
  const claimed = descriptor.readUInt32LE(80) * descriptor.readUInt16LE(128);
  demand(claimed > 0 && claimed <= fileBytes, `it claims ${claimed} bytes and has ${fileBytes}`);
}

/** Only a single sparse file with its descriptor inside: a text names extents by any path. */
async function checkVmdk(file: FileHandle): Promise<void> {
  const header = await read(file, 0, sectorBytes);
  const isSparse = header.toString('latin1', 0, 4) === 'KDMV' && header.readBigUInt64LE(12) > 0n;
  demand(isSparse, 'it is a VMDK whose data lies in other files; export it as one (monolithicSparse, streamOptimized)');
  const offset = header.readBigUInt64LE(28) * BigInt(sectorBytes);
  const bytes = header.readBigUInt64LE(36) * BigInt(sectorBytes);
  const isThere = offset > 0n && offset < 2n ** 40n && bytes > 0n && bytes <= BigInt(descriptorMaxBytes);
  demand(isThere, 'its VMDK descriptor is missing or too large');
  const text = (await read(file, Number(offset), Number(bytes))).toString('latin1');
  const isParent = /^\s*parentFileNameHint/im.test(text) || !/^\s*parentCID\s*=\s*ffffffff\s*$/im.test(text);
  demand(!isParent, parentless);
  const extents = text.match(/^\s*(RW|RDONLY|NOACCESS)\s.*$/gim) ?? [];
  const isAlone = extents.length === 1 && /^\s*RW\s+\d+\s+SPARSE\s/i.test(extents[0]);
  demand(isAlone, 'its VMDK descriptor names other files; export it as one (monolithicSparse, streamOptimized)');
}

const vdiTypes = { dynamic: 1, static: 2 };

async function checkVdi(file: FileHandle): Promise<void> {
  const header = await read(file, 0, 0x1c8);
  const type = header.readUInt32LE(0x4c);
  const links = header.subarray(0x1a8, 0x1c8);
  demand((type === vdiTypes.dynamic || type === vdiTypes.static) && links.every((byte) => byte === 0), parentless);
}

const vhdTypes = { fixed: 2, dynamic: 3 };

async function checkVhd(file: FileHandle, fileBytes: number): Promise<void> {
  demand(fileBytes >= sectorBytes, 'it is too short for a VHD');
  const type = (await read(file, fileBytes - sectorBytes, sectorBytes)).readUInt32BE(60);
  demand(type === vhdTypes.fixed || type === vhdTypes.dynamic, parentless);
}

const vhdxRegionTable = 192 * 1024;
const vhdxEntryBytes = 32;
const vhdxMetadata = '06a27c8b90479a4bb8fe575f050f886e';
const vhdxFileParameters = '3767a1ca36fa434db3b633f0aa44e76b';
const vhdxHasParent = 2;

/** MS-VHDX 2.2.3, 2.6: region table, metadata table, file parameters. */
async function checkVhdx(file: FileHandle): Promise<void> {
  const findEntry = async (table: number, countAt: number, firstAt: number, guid: string): Promise<Buffer> => {
    const count = (await read(file, table, 64)).readUInt16LE(countAt);
    demand(count <= 2047, 'its VHDX table has too many entries');
    const entries = await read(file, table + firstAt, count * vhdxEntryBytes);
    for (let at = 0; at < entries.length; at += vhdxEntryBytes) {
      if (entries.toString('hex', at, at + 16) === guid) return entries.subarray(at, at + vhdxEntryBytes);
    }
    demand(false, 'its VHDX metadata is missing');
  };
  const region = await findEntry(vhdxRegionTable, 8, 16, vhdxMetadata);
  const metadata = region.readBigUInt64LE(16);
  demand(metadata < 2n ** 46n, 'its VHDX metadata lies outside the file');
  const item = await findEntry(Number(metadata), 10, 32, vhdxFileParameters);
  const parameters = await read(file, Number(metadata) + item.readUInt32LE(16), 8);
  demand((parameters.readUInt32LE(4) & vhdxHasParent) === 0, parentless);
}
