/** Reads a volume by the words of its own boot sector, as a guest would; not by what wrote it. */
export function readFat(image: Buffer): { label: string; files: Map<string, Buffer> } {
  const sector = image.readUInt16LE(11);
  const cluster = sector * image.readUInt8(13);
  const fatAt = sector * image.readUInt16LE(14);
  const rootAt = fatAt + sector * image.readUInt8(16) * image.readUInt16LE(22);
  const dataAt = rootAt + 32 * image.readUInt16LE(17);
  const files = new Map<string, Buffer>();
  let [label, name] = ['', ''];
  for (let at = rootAt; at < dataAt && image.readUInt8(at) !== 0; at += 32) {
    const attributes = image.readUInt8(at + 11);
    if (attributes === 0x0f) name = longPart(image, at) + name;
    else if (attributes === 0x08) label = image.toString('latin1', at, at + 11).trimEnd();
    else {
      const size = image.readUInt32LE(at + 28);
      const parts: Buffer[] = [];
      for (let next = image.readUInt16LE(at + 26); next >= 2 && next < 0xff8; next = follow(image, fatAt, next)) {
        const from = dataAt + (next - 2) * cluster;
        parts.push(image.subarray(from, from + cluster));
      }
      files.set(name, Buffer.concat(parts).subarray(0, size));
      name = '';
    }
  }
  return { label, files };
}

function follow(image: Buffer, fatAt: number, cluster: number): number {
  const pair = image.readUInt16LE(fatAt + Math.floor(cluster * 1.5));
  return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
}

function longPart(image: Buffer, at: number): string {
  const units = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].map((offset) => image.readUInt16LE(at + offset));
  return String.fromCharCode(...units.filter((unit) => unit !== 0 && unit !== 0xffff));
}
