import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export interface RfbPicture {
  readonly width: number;
  readonly height: number;
  readonly name: string;
  /** Four bytes each, row by row. */
  readonly pixels: Buffer;
}

const version = 'RFB 003.008\n';
const noSecurity = 1;
const pixelBytes = 4;

/** Exactly so many bytes at a time. */
type Reader = (bytes: number) => Promise<Buffer>;

interface OpenScreen {
  readonly width: number;
  readonly height: number;
  readonly name: string;
  readonly read: Reader;
}

/** As a VNC viewer does (RFC 6143): shakes hands, and asks for the whole screen once, unpacked. */
export async function readScreen(stream: Duplex): Promise<RfbPicture> {
  const { width, height, name, read } = await openScreen(stream);
  return { width, height, name, pixels: await askPixels(stream, read, width, height) };
}

/** Sends what a viewer says (of keys and pointer), piece by piece; resolves when the other end has heard it all. */
export async function sayToScreen(stream: Duplex, pieces: readonly Buffer[], everyMs: number): Promise<void> {
  const { read } = await openScreen(stream);
  for (const piece of pieces) {
    stream.write(piece);
    await delay(everyMs);
  }
  await askPixels(stream, read, 1, 1); // which is answered in turn
}

async function openScreen(stream: Duplex): Promise<OpenScreen> {
  const read = readerOf(stream);
  const said = (await read(12)).toString('latin1');
  if (said !== version) throw new Error(`no RFB: ${JSON.stringify(said)}`);
  stream.write(version);
  const kinds = await read((await read(1)).readUInt8(0));
  if (!kinds.includes(noSecurity)) throw new Error(`security kinds: ${kinds.toString('hex')}`);
  stream.write(Buffer.from([noSecurity]));
  if ((await read(4)).readUInt32BE(0) !== 0) throw new Error('refused');
  stream.write(Buffer.from([1])); // others may look on
  const begin = await read(24);
  const [width, height] = [begin.readUInt16BE(0), begin.readUInt16BE(2)];
  const name = (await read(begin.readUInt32BE(20))).toString('latin1');
  stream.write(Buffer.from([2, 0, 0, 1, 0, 0, 0, 0])); // raw, and nothing else
  return { width, height, name, read };
}

async function askPixels(stream: Duplex, read: Reader, width: number, height: number): Promise<Buffer> {
  const ask = Buffer.alloc(10);
  ask.writeUInt8(3, 0);
  ask.writeUInt16BE(width, 6);
  ask.writeUInt16BE(height, 8);
  stream.write(ask);
  return readUpdate(read, width, height);
}

async function readUpdate(read: Reader, width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * pixelBytes);
  for (let left = width * height; left > 0;) {
    const head = await read(4);
    if (head.readUInt8(0) !== 0) throw new Error(`message ${head.readUInt8(0)} instead of an update`);
    for (let rectangles = head.readUInt16BE(2); rectangles > 0; rectangles--) {
      const rectangle = await read(12);
      const [x, y, w, h] = [0, 2, 4, 6].map((at) => rectangle.readUInt16BE(at)) as [number, number, number, number];
      if (rectangle.readInt32BE(8) !== 0) throw new Error(`encoding ${rectangle.readInt32BE(8)} instead of raw`);
      const rows = await read(w * h * pixelBytes);
      for (let row = 0; row < h; row++) {
        rows.copy(pixels, ((y + row) * width + x) * pixelBytes, row * w * pixelBytes, (row + 1) * w * pixelBytes);
      }
      left -= w * h;
    }
  }
  return pixels;
}

function readerOf(stream: Duplex): Reader {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let kept = Buffer.alloc(0);
  return async (bytes) => {
    while (kept.length < bytes) {
      const { value, done } = await chunks.next();
      if (done) throw new Error(`it ended with ${kept.length} of ${bytes} bytes`);
      kept = Buffer.concat([kept, value]);
    }
    const taken = kept.subarray(0, bytes);
    kept = kept.subarray(bytes);
    return taken;
  };
}
