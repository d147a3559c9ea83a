import { inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 0xrrggbb */
  pixel(x: number, y: number): number;
}

const signatureBytes = 8;
/** Bytes per pixel by the colour types QEMU draws in: RGB and RGBA. */
const depths: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

/** Reads a PNG as QEMU writes it: 8 bits a channel, not interlaced. */
export function readPng(file: Buffer): Picture {
  const parts: Buffer[] = [];
  let header: Buffer = Buffer.alloc(0);
  for (let at = signatureBytes; at < file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = data;
    if (kind === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const bytes = depths[header.readUInt8(9)];
  if (bytes === undefined || header.readUInt8(8) !== 8) throw new Error('not a picture that QEMU draws');
  const pixels = unfilter(inflateSync(Buffer.concat(parts)), width * bytes, bytes, height);
  return { width, height, pixel: (x, y) => pixels.readUIntBE((y * width + x) * bytes, 3) };
}

/** RFC 2083, section 6: each row says how it differs from its neighbours. */
function unfilter(raw: Buffer, rowBytes: number, bytes: number, height: number): Buffer {
  const out = Buffer.alloc(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (rowBytes + 1)]!;
    for (let x = 0; x < rowBytes; x++) {
      const at = y * rowBytes + x;
      const left = x < bytes ? 0 : out[at - bytes]!;
      const up = y === 0 ? 0 : out[at - rowBytes]!;
      const corner = x < bytes || y === 0 ? 0 : out[at - rowBytes - bytes]!;
      out[at] = raw[y * (rowBytes + 1) + 1 + x]! + predicted(filter, left, up, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter < 2) return filter * left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
