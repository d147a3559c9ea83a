/**
 * A small FAT12 volume with files in its root, as Microsoft's "FAT32 File System Specification" 1.03 lays it out (it
 * covers FAT12): the geometry of a 1440 KiB diskette, one sector a cluster.
 */
export interface FatFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const sectorBytes = 512;
const sectors = 2880;
const sectorsPerFat = 9;
const rootEntries = 224;
const entryBytes = 32;
const fatAt = sectorBytes;
const rootAt = fatAt + 2 * sectorsPerFat * sectorBytes;
const dataAt = rootAt + rootEntries * entryBytes;
const firstCluster = 2;
const endOfChain = 0xfff;
const volumeLabel = 0x08;
const longName = 0x0f;
const lastLongEntry = 0x40;
const charsPerLongEntry = 13;
/** Where in a long name's entry its characters stand. */
const longNameOffsets = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/** @throws RangeError when the files do not fit */
export function fatImage(label: string, files: readonly FatFile[]): Buffer {
  const image = Buffer.alloc(sectors * sectorBytes);
  bootSector(label).copy(image);
  const chains = [0xff0, endOfChain];
  const entries: Buffer[] = [shortEntry(label.padEnd(11), volumeLabel, 0, 0)];
  for (const [index, { name, bytes }] of files.entries()) {
    const cluster = chains.length;
    const count = Math.ceil(bytes.length / sectorBytes);
    const at = dataAt + (cluster - firstCluster) * sectorBytes;
    if (at + bytes.length > image.length) throw new RangeError('the files are larger than the volume');
    bytes.copy(image, at);
    for (let nth = 1; nth <= count; nth++) chains.push(nth === count ? endOfChain : cluster + nth);
    const alias = `FILE${index + 1}`.padEnd(11);
    entries.push(...longEntries(name, alias), shortEntry(alias, 0, count === 0 ? 0 : cluster, bytes.length));
  }
  const root = Buffer.concat(entries);
  if (root.length > rootEntries * entryBytes)
    throw new RangeError('there are more files than the volume has names for');
  root.copy(image, rootAt);
  const table = fatTable(chains);
  for (const copy of [0, 1]) table.copy(image, fatAt + copy * sectorsPerFat * sectorBytes);
  return image;
}

function bootSector(label: string): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  sector.set([0xeb, 0x3c, 0x90]);
  sector.write('BERTH   ', 3, 'latin1');
  sector.writeUInt16LE(sectorBytes, 11);
  sector.writeUInt8(1, 13); // sectors per cluster
  sector.writeUInt16LE(1, 14); // reserved: this one
  sector.writeUInt8(2, 16); // tables
  sector.writeUInt16LE(rootEntries, 17);
  sector.writeUInt16LE(sectors, 19);
  sector.writeUInt8(0xf0, 21); // removable
  sector.writeUInt16LE(sectorsPerFat, 22);
  sector.writeUInt16LE(18, 24); // sectors per track
  sector.writeUInt16LE(2, 26); // heads
  sector.writeUInt8(0x29, 38); // what follows is there
  sector.write(label.padEnd(11), 43, 'latin1');
  sector.write('FAT12   ', 54, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** Twelve bits an entry: two of them share three bytes. */
function fatTable(chains: readonly number[]): Buffer {
  const table = Buffer.alloc(sectorsPerFat * sectorBytes);
  for (const [cluster, next] of chains.entries()) {
    const at = cluster + (cluster >> 1);
    const shift = (cluster & 1) * 4;
    table.writeUInt16LE(table.readUInt16LE(at) | (next << shift), at);
  }
  return table;
}

function shortEntry(name: string, attributes: number, cluster: number, size: number): Buffer {
  const entry = Buffer.alloc(entryBytes);
  entry.write(name, 0, 11, 'latin1');
  entry.writeUInt8(attributes, 11);
  entry.writeUInt16LE((1 << 5) | 1, 24); // written on 1 January 1980: the same files, the same bytes
  entry.writeUInt16LE(cluster, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

/** The last part of the name comes first; what is left of it is one zero and then ones. */
function longEntries(name: string, alias: string): Buffer[] {
  const count = Math.ceil(name.length / charsPerLongEntry);
  return Array.from({ length: count }, (_, index) => {
    const order = count - index;
    const entry = Buffer.alloc(entryBytes);
    entry.writeUInt8(order | (index === 0 ? lastLongEntry : 0), 0);
    entry.writeUInt8(longName, 11);
    entry.writeUInt8(aliasChecksum(alias), 13);
    for (const [nth, offset] of longNameOffsets.entries()) {
      const at = (order - 1) * charsPerLongEntry + nth;
      const unit = at === name.length ? 0 : at > name.length ? 0xffff : name.charCodeAt(at);
      entry.writeUInt16LE(unit, offset);
    }
    return entry;
  });
}

function aliasChecksum(alias: string): number {
  let sum = 0;
  for (const byte of Buffer.from(alias, 'latin1')) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}
