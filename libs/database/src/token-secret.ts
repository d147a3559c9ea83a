import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** `berth_<token id, 32 hex>_<43 of base62>`: the id finds the row, the SHA-256 of the secret part proves the token. */
const form = /^berth_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([0-9A-Za-z]{43})$/;
const secretChars = 43;

export interface IssuedToken {
  readonly id: string;
  /** Shown once. */
  readonly text: string;
  readonly secretHash: Buffer;
}

export function issueToken(): IssuedToken {
  const id = randomUUID();
  const secret = randomBytes(2 * secretChars)
    .toString('base64')
    .replaceAll(/[^0-9A-Za-z]/g, '')
    .slice(0, secretChars);
  return { id, text: `berth_${id.replaceAll('-', '')}_${secret}`, secretHash: hashOf(secret) };
}

/** Undefined: no token has this form. */
export function readToken(text: string): { readonly id: string; readonly secretHash: Buffer } | undefined {
  const [, a, b, c, d, e, secret] = form.exec(text) ?? [];
  return secret === undefined ? undefined : { id: [a, b, c, d, e].join('-'), secretHash: hashOf(secret) };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
