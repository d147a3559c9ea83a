import * as fc from 'fast-check';

/** Numbers at which lengths and coordinates go wrong. */
const evil = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0x8000_0004, 0xffff_ff00, 0xffff_ffff];
const u8 = fc.oneof(fc.constantFrom(...evil), fc.nat({ max: 0xff })).map((n) => Buffer.from([n & 0xff]));
const u16 = fc.oneof(fc.constantFrom(...evil), fc.nat({ max: 2_000 })).map((n) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(n & 0xffff);
  return bytes;
});
const u32 = fc.oneof(fc.constantFrom(...evil), fc.nat({ max: 100_000 })).map((n) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
});
const some = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const fixed = (...bytes: number[]) => fc.constant(Buffer.from(bytes));
const pad = (length: number) => fixed(...new Uint8Array(length));
const together = (...parts: fc.Arbitrary<Buffer>[]) => fc.tuple(...parts).map((buffers) => Buffer.concat(buffers));

/** Those that QEMU knows, so that a client can claim to know them too; then others. */
const encodings = [
  [
    0, 1, 2, 5, 6, 7, 15, 16, 17, -223, -224, -239, -240, -257, -258, -259, -260, -261, -305, -307, -308, -309, -312,
    -313,
  ],
  Array.from({ length: 42 }, (_, nth) => -nth - 23),
  [0x574d5664, 0xc0a1e5ce - 2 ** 32],
].flat();
const encoding = fc.constantFrom(...encodings).map((n) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n | 0);
  return bytes;
});
const encodingList = fc.array(fc.oneof({ weight: 6, arbitrary: encoding }, u32), { maxLength: 40 });
const setEncodings = fc.tuple(encodingList, fc.option(u16, { freq: 3 })).map(([list, lie]) => {
  const head = Buffer.from([2, 0, 0, 0]);
  head.writeUInt16BE(list.length, 2);
  return Buffer.concat([head.subarray(0, 2), lie ?? head.subarray(2), ...list]);
});
const cutText = fc.tuple(some(300), fc.option(u32, { freq: 2 }), fc.boolean()).map(([text, lie, isExtended]) => {
  const head = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
  head.writeInt32BE(isExtended ? -text.length : text.length, 4);
  return Buffer.concat([head.subarray(0, 4), lie ?? head.subarray(4), text]);
});
const extendedClipboard = fc
  .tuple(fc.constantFrom(1, 2, 3, 0xff), fc.constantFrom(1, 2, 4, 8, 16, 31, 0), some(120))
  .map(([formats, action, data]) => {
    const head = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0, action, 0, 0, formats]);
    head.writeInt32BE(-4 - data.length, 4);
    return Buffer.concat([head, data]);
  });
const depth = fc.constantFrom(0, 8, 16, 24, 32, 64, 255).map((bits) => Buffer.from([bits]));

const message = fc.oneof(
  together(fixed(0), pad(3), depth, depth, u8, u8, u16, u16, u16, u8, u8, u8, pad(3)), // SetPixelFormat
  setEncodings,
  together(fixed(3), u8, u16, u16, u16, u16), // FramebufferUpdateRequest
  fixed(3, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
  together(fixed(4), u8, pad(2), u32), // KeyEvent
  together(fixed(5), u8, u16, u16), // PointerEvent
  cutText,
  extendedClipboard,
  together(fixed(150), u8, u16, u16, u16, u16), // EnableContinuousUpdates
  together(fixed(248), pad(3), u32, u8, some(70)), // Fence
  together(fixed(250), pad(1), u8, u8), // xvp: reboot and the like
  together(fixed(251), pad(1), u16, u16, u8, pad(1), some(64)), // SetDesktopSize
  together(fixed(255, 0), u16, u32, u32), // QEMU: a key by its place
  together(fixed(255, 1), u16, u8, u8, u32), // QEMU: sound
  some(64),
);
const messages = fc.array(message, { maxLength: 20 }).map((list) => Buffer.concat(list));

const honestBeginning = fc.constant(Buffer.from('RFB 003.008\n\x01\x01', 'latin1'));
const version = fc.constantFrom(
  'RFB 003.003\n',
  'RFB 003.007\n',
  'RFB 003.889\n',
  'RFB 999.999\n',
  'RFB -01.008\n',
  'GET / HTTP/1',
);
const hostileBeginning = together(
  fc.oneof(
    version.map((text) => Buffer.from(text, 'latin1')),
    some(16),
  ),
  fc.oneof(u8, some(4)), // security type
  u8, // ClientInit
);

/** What a client says on RFB (RFC 6143): often up to its messages as it should, never all the way. */
export const hostileRfb = together(
  fc.oneof({ weight: 4, arbitrary: honestBeginning }, { weight: 1, arbitrary: hostileBeginning }),
  messages,
);
