import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '@berth/engine/driver.js';
import { lineReader } from '@berth/engine/vmm/lines.js';
import { QmpClient } from '@berth/engine/vmm/qmp.js';
import { readQcow2Header } from '@berth/images/qcow2-header.js';
import { recognise } from '@berth/images/recognition.js';
import { ImageRefusal } from '@berth/images/refusal.js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';
import { fuzz, fuzzTestMaxMs } from './fuzzing.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-fuzz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Header bytes that matter, set to values at which arithmetic goes wrong. */
const spoilt = fc.array(
  fc.oneof(
    fc.record({ at: fc.nat({ max: 127 }), bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
    fc.record({
      at: fc.constantFrom(4, 8, 16, 20, 24, 32, 36, 40, 48, 56, 60, 72, 96, 100, 104, 108),
      bytes: fc.constantFrom(
        ...[
          '00000000',
          'ffffffff',
          '7fffffff',
          '80000000',
          '0000000000000000',
          'ffffffffffffffff',
          '0000000000010000',
        ].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
      ),
    }),
  ),
  { maxLength: 12 },
);

it('any header of a disk is read or refused', { timeout: fuzzTestMaxMs }, async () => {
  const whole = qcow2Of({ fileBytes: 300_000 });
  const virtualMaxBytes = 2 ** 41;
  await fuzz('qcow2 header', fc.tuple(spoilt, fc.nat({ max: 300_000 }), fc.nat()), ([spots, length, fileBytes]) => {
    const file = Buffer.from(whole.subarray(0, Math.max(length, 160)));
    for (const { at, bytes } of spots) file.set(bytes, at);
    const head = file.subarray(0, length);
    try {
      recognise(head, head.subarray(-512));
      const { virtualSizeBytes, clusterBits } = readQcow2Header(head, { fileBytes, virtualMaxBytes });
      expect(virtualSizeBytes > 0 && virtualSizeBytes <= virtualMaxBytes && clusterBits <= 21).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(ImageRefusal);
    }
  });
});

const words = fc.constantFrom(
  '{"QMP":{"version":{}}}',
  '{"return":{},"id":1}',
  '{"error":{"class":"GenericError"},"id":1}',
  '{"return":null,"id":2}',
  '{"event":"SHUTDOWN"}',
  '{"event":7}',
  '{"id":1e400}',
  '{"return":{},"id":1,"__proto__":{"x":1}}',
  '[]',
  'null',
);
const pieces = fc.array(
  fc.oneof(
    words.map((word) => Buffer.from(`${word}\r\n`)),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('\n', '\r\n', '"', '\\', '{', '\u{fffd}').map((text) => Buffer.from(text)),
    fc.nat({ max: 400_000 }).map((length) => Buffer.alloc(length, 0x61)),
  ),
  { maxLength: 12 },
);

it('any stream is cut into lines that are bounded', { timeout: fuzzTestMaxMs }, async () => {
  await fuzz('lines', fc.tuple(pieces, fc.nat({ max: 1000 })), ([chunks, maxChars]) => {
    const read = lineReader(maxChars, (line) => expect(line.length).toBeLessThanOrEqual(maxChars));
    for (const chunk of chunks) read(chunk);
  });
});

it(
  'whatever a vmm says on its control socket, the worker gets an answer or an error',
  { timeout: fuzzTestMaxMs },
  async () => {
    const path = join(folder, 'qmp');
    let said: readonly Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      for (const chunk of said) socket.write(chunk);
      socket.end();
    }).listen(path);
    await once(server, 'listening');
    const listener = { onEvent: () => undefined, onEnd: () => undefined };
    await fuzz('qmp', pieces, async (chunks) => {
      said = chunks;
      try {
        const client = await QmpClient.connect(path, listener, 5_000);
        try {
          expect(typeof (await client.status(5_000))).toBe('string');
        } finally {
          client.close();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
      }
    });
    server.close();
  },
);
