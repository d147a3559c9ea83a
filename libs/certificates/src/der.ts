/** What of DER (ITU-T X.690) certificates are written with; each of these resolves to one whole element. */
export type Der = Buffer;

const longForm = 0x80;

function element(tag: number, ...parts: readonly Uint8Array[]): Der {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

function lengthOf(bytes: number): Buffer {
  if (bytes < longForm) return Buffer.of(bytes);
  const digits = Buffer.from(bytes.toString(16).padStart(bytes > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(longForm | digits.length), digits]);
}

export const sequence = (...parts: readonly Der[]): Der => element(0x30, ...parts);
export const setOf = (...parts: readonly Der[]): Der => element(0x31, ...parts);
/** `hex`: its content, as object identifiers are encoded. */
export const objectId = (hex: string): Der => element(0x06, Buffer.from(hex, 'hex'));
export const text = (value: string): Der => element(0x0c, Buffer.from(value));
export const isTrue: Der = element(0x01, Buffer.of(0xff));
/** In two's complement, and as short as it can be: neither is made so here. */
export const integer = (bytes: Uint8Array): Der => element(0x02, bytes);
export const octets = (content: Der): Der => element(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Der => element(0x03, Buffer.of(unused), content);
/** Element `number` of a choice or of optional members: around others, or in place of the tag of one. */
export const tagged = (number: number, content: Der): Der => element(0xa0 | number, content);
export const implicit = (number: number, content: string): Der => element(0x80 | number, Buffer.from(content));

/** As RFC 5280 wants it: two digits of the year before 2050. */
export function time(at: Date): Der {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2050 ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}

/** The elements within the one that `bytes` begin with. @throws RangeError when they are cut short */
export function membersOf(bytes: Buffer): Der[] {
  const { start, end } = spanOf(bytes, 0);
  const members: Der[] = [];
  for (let at = start; at < end;) {
    const next = spanOf(bytes, at).end;
    members.push(bytes.subarray(at, next));
    at = next;
  }
  return members;
}

/** Where the content of the element at `at` begins and ends. */
function spanOf(bytes: Buffer, at: number): { start: number; end: number } {
  const first = bytes.readUInt8(at + 1);
  const digits = first < longForm ? 0 : first - longForm;
  const start = at + 2 + digits;
  const length = digits === 0 ? first : bytes.readUIntBE(at + 2, digits);
  if (start + length > bytes.length) throw new RangeError('the element is cut short');
  return { start, end: start + length };
}
