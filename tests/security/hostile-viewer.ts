import { randomBytes } from 'node:crypto';
import { consoleTokenSubprotocol } from '@berth/contracts/http/console.js';
import * as fc from 'fast-check';
import { hostileRfb } from './hostile-rfb.js';

/** Mostly what it should be, so that what comes after it is reached too. */
const usually = <T>(right: T, ...wrong: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const payloadMaxBytes = 64 * 1024;

/** With the mask and the shortest form of the length, as a client has to. */
export function frameOf(
  opcode: number,
  payload: Buffer,
  { isLast = true, reserved = 0, isMasked = true } = {},
): Buffer {
  const { length } = payload;
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = (isMasked ? 0x80 : 0) | (head.length === 2 ? length : head.length === 4 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at & 3]!)]);
}

interface Message {
  readonly opcode: number;
  readonly parts: readonly Buffer[];
}

const payload = fc.oneof(
  { weight: 8, arbitrary: hostileRfb },
  { weight: 1, arbitrary: fc.nat({ max: payloadMaxBytes / 2 }).map((length) => Buffer.alloc(length, 0x61)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
);
/** One message in pieces; text among them, which may be no UTF-8. */
const data = fc
  .tuple(usually<number>(opcodes.binary, opcodes.text), payload, fc.array(fc.nat({ max: 400 }), { maxLength: 4 }))
  .map(([opcode, bytes, cuts]) => ({ opcode, parts: piecesOf(bytes, cuts) }));
const control = fc
  .tuple(fc.constantFrom<number>(opcodes.ping, opcodes.pong), fc.uint8Array({ maxLength: 125 }))
  .map(([opcode, bytes]) => ({ opcode, parts: [Buffer.from(bytes)] }));
const messages: fc.Arbitrary<Message[]> = fc.array(
  fc.oneof({ weight: 5, arbitrary: data }, { weight: 2, arbitrary: control }),
  { maxLength: 6 },
);

const oneOfThese = (...frames: Buffer[]): fc.Arbitrary<Buffer> => fc.constantFrom(...frames);
const closing = (code: number): Buffer => frameOf(opcodes.close, Buffer.from([code >> 8, code & 255]));
/** What no receiver of RFC 6455 goes on after. */
const fatal = oneOfThese(
  ...[3, 4, 7, 11, 15].map((opcode) => frameOf(opcode, Buffer.alloc(5))),
  ...[1, 2, 4].map((reserved) => frameOf(opcodes.binary, Buffer.alloc(5), { reserved })),
  ...[0, 999, 1004, 1005, 65_535].map((code) => closing(code)),
  ...['ffffffffffffffff', '7fffffffffffffff', '0000000100000000', '0000000000010001'].map((length) =>
    Buffer.from(`82ff${length}00000000`, 'hex'),
  ),
  frameOf(opcodes.binary, Buffer.alloc(5), { isMasked: false }),
  frameOf(opcodes.continuation, Buffer.alloc(5)),
  frameOf(opcodes.text, Buffer.from([0xff])),
  frameOf(opcodes.ping, Buffer.alloc(126)),
  frameOf(opcodes.ping, Buffer.alloc(5), { isLast: false }),
  frameOf(opcodes.close, Buffer.from([3])),
  frameOf(opcodes.binary, Buffer.alloc(payloadMaxBytes + 1)),
);
/** A goodbye, what never comes to its end, and what nobody knows. */
const others = fc.oneof(
  oneOfThese(closing(1000), closing(1001), closing(4000), frameOf(opcodes.close, Buffer.alloc(0))),
  oneOfThese(frameOf(opcodes.binary, Buffer.alloc(9), { isLast: false })),
  oneOfThese(...['82fe', '82', '81ff00', '82850000'].map((start) => Buffer.from(start, 'hex'))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const broken = fc.oneof(
  fatal.map((bytes) => ({ bytes, isFatal: true })),
  others.map((bytes) => ({ bytes, isFatal: false })),
);

export type TokenKind = 'good' | 'serial' | 'unknown' | 'malformed' | 'none';
const tokenKind = usually<TokenKind>('good', 'serial', 'unknown', 'malformed', 'none');

const fields = fc.record({
  host: usually<string | null>('127.0.0.1', 'localhost', 'cloud.example', '', null),
  upgrade: usually<string | null>('websocket', 'WebSocket', 'h2c', 'websocket, h2c', '', null),
  connection: usually<string | null>('Upgrade', 'keep-alive, Upgrade', 'close', null),
  'sec-websocket-key': usually<string | null>('dGhlIHNhbXBsZSBub25jZQ==', 'short', '', null),
  'sec-websocket-version': usually<string | null>('13', '8', '0', '14', '1e1', 'x', null),
  'sec-websocket-extensions': usually<string | null>(null, 'permessage-deflate; client_max_window_bits', ';;', 'x='),
  origin: usually<string | null>('http://127.0.0.1', 'https://elsewhere.example', 'null', '', null),
  'content-length': usually<string | null>(null, '0', '5', '-1', '99999999999'),
  'transfer-encoding': usually<string | null>(null, 'chunked'),
});
/** The subprotocols, with TOKEN where the right stands. */
const offers = usually<string | null>(
  'binary, TOKEN',
  'TOKEN, binary',
  'TOKEN',
  'binary,,TOKEN',
  'binary, TOKEN, ',
  'binary, TOKEN, TOKEN',
  'binary, binary, TOKEN',
  'binary, TOKEN, a b, "c"',
  `binary, TOKEN, ${'x'.repeat(8_000)}`,
  `binary, TOKEN, ${'x'.repeat(20_000)}`,
  null,
);

const request = fc.record({
  line: usually(
    'GET /v1/vnc HTTP/1.1',
    'GET /v1/vnc HTTP/1.0',
    'GET /v1/vnc HTTP/9.9',
    'POST /v1/vnc HTTP/1.1',
    'CONNECT /v1/vnc HTTP/1.1',
    'GET /v1/console HTTP/1.1',
    'GET /v1/vnc?token=x HTTP/1.1',
    'GET /v1/vnc/../vnc HTTP/1.1',
    'GET // HTTP/1.1',
    'GET http://127.0.0.1/v1/vnc HTTP/1.1',
    'GET /v1/vnc',
    'RFB 003.008',
    '',
  ),
  fields,
  offers,
  tokenKind,
  more: usually('', 'x: \0\r\n', ' folded\r\n', 'no colon\r\n', `x: ${'y'.repeat(20_000)}\r\n`, '\n\n'),
});

/** A connection to the gateway: what is said on it, how it is cut into packets, and how it ends. */
export const hostileVisit = fc.record({
  request,
  messages,
  broken: fc.option(broken, { freq: 3 }),
  cuts: fc.array(fc.nat({ max: 600 }), { maxLength: 5 }),
  /** A frame that is said together with the request is in the head of the upgrade. */
  isHasty: fc.boolean(),
  reads: usually(true, false),
  end: fc.constantFrom('stay', 'half', 'reset', 'gone'),
});
export type HostileVisit = typeof hostileVisit extends fc.Arbitrary<infer V> ? V : never;

export function requestOf({ request }: HostileVisit, token: string | null): Buffer {
  const { line, fields, offers, more } = request;
  const offered =
    token === null ? offers?.replaceAll('TOKEN', 'none') : offers?.replaceAll('TOKEN', consoleTokenSubprotocol + token);
  const all = { ...fields, 'sec-websocket-protocol': offered ?? null };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${line}\r\n${lines.join('')}${more}\r\n`, 'latin1');
}

export function framesOf({ messages, broken }: HostileVisit): Buffer {
  const frames = messages.flatMap(({ opcode, parts }) =>
    parts.map((part, nth) =>
      frameOf(nth === 0 ? opcode : opcodes.continuation, part, { isLast: nth === parts.length - 1 }),
    ),
  );
  return Buffer.concat(broken ? [...frames, broken.bytes] : frames);
}

/** All that a vmm may hear of it; of a broken end, whatever it is taken for. */
export function dataOf({ messages }: HostileVisit): Buffer {
  const isData = ({ opcode }: Message): boolean => opcode === opcodes.text || opcode === opcodes.binary;
  return Buffer.concat(messages.filter(isData).flatMap(({ parts }) => parts));
}

/** Each of at most so many bytes as the cuts say, in turn; what is left is the last. */
export function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  let at = 0;
  const pieces = cuts.map((length) => bytes.subarray(at, (at += length)));
  return [...pieces, bytes.subarray(at)];
}
