import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandNoBacking, readQcow2Header } from './qcow2-header.js';
import { qcow2Of, type Qcow2Fields } from './qcow2.fixture.js';
import { ImageRefusal } from './refusal.js';

const virtualMaxBytes = 2 ** 41;
const read = (file: Buffer) => readQcow2Header(file, { fileBytes: file.length, virtualMaxBytes });

describe('the qcow2 header reader', () => {
  it('tells version, cluster size and disk size of a plain image', () => {
    expect(read(qcow2Of())).toEqual({ version: 3, clusterBits: 16, virtualSizeBytes: 2 ** 20, backingPath: undefined });
    expect(read(qcow2Of({ version: 2 })).version).toBe(2);
  });

  it('tells the backing file of an overlay, which an import refuses', () => {
    const header = read(qcow2Of({ backing: '/images/base' }));
    expect(header.backingPath).toBe('/images/base');
    expect(() => demandNoBacking(header)).toThrow(/backing file/);
  });

  const refused: [string, Qcow2Fields, RegExp][] = [
    ['another version', { version: 4 }, /version 4/],
    ['clusters of 2^31', { clusterBits: 31 }, /2\^31/],
    ['clusters of 2^8', { clusterBits: 8 }, /2\^8/],
    ['64 TiB', { virtualSizeBytes: 2n ** 46n }, /at most/],
    ['no bytes at all', { virtualSizeBytes: 0n }, /no bytes/],
    ['2^64-1 bytes', { virtualSizeBytes: 2n ** 64n - 1n }, /at most/],
    ['encryption', { encryption: 1 }, /encrypted/],
    ['LUKS', { encryption: 2 }, /encrypted/],
    ['internal snapshots', { snapshots: 1 }, /snapshots/],
    ['an external data file', { features: 4n }, /another file/],
    ['the name of a data file', { extension: { type: 0x44415441, bytes: Buffer.from('/x') } }, /another file/],
    ['the mark of corruption', { features: 2n }, /corrupt/],
    ['a feature nobody knows', { features: 1n << 40n }, /unknown features/],
    ['an extension without end', { extension: { type: 7, bytes: Buffer.alloc(65_536) } }, /extension/],
    ['an L1 table at the end of the file', { l1Offset: BigInt(4 * 65_536) }, /L1 table/],
    ['an L1 table between clusters', { l1Offset: 65_537n }, /L1 table/],
    ['an L1 table too short for its disk', { l1Entries: 1, virtualSizeBytes: 2n ** 40n }, /L1 table/],
    ['an L1 table of 2^32-1 entries', { l1Entries: 2 ** 32 - 1 }, /L1 table/],
  ];
  it.each(refused)('refuses %s and says so', (_, fields, why) => {
    expect(() => read(qcow2Of(fields))).toThrow(why);
  });

  it('refuses every file that ends within its header', () => {
    const whole = qcow2Of();
    for (let bytes = 0; bytes < 104; bytes++) expect(() => read(whole.subarray(0, bytes))).toThrow(ImageRefusal);
  });

  it('answers any spoilt header with a header it can stand for, or a refusal', () => {
    const spoilt = fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(spoilt, fc.nat({ max: 4096 }), (bytes, length) => {
        const file = qcow2Of();
        for (const [at, value] of bytes) file[at] = value;
        const sizes = [file, file.subarray(0, length)].map((one) => answerOf(one)?.virtualSizeBytes ?? 0);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(virtualMaxBytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

function answerOf(file: Buffer): ReturnType<typeof read> | undefined {
  try {
    return read(file);
  } catch (error) {
    expect(error).toBeInstanceOf(ImageRefusal);
    return undefined;
  }
}
