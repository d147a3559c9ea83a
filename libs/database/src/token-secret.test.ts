import { expect, test } from 'vitest';
import { issueToken, readToken } from './token-secret.js';

test('a token that was issued is read back to its id and the hash that is kept', () => {
  for (let i = 0; i < 200; i++) {
    const { id, text, secretHash } = issueToken();
    expect(text).toMatch(/^berth_[0-9a-f]{32}_[0-9A-Za-z]{43}$/);
    expect(readToken(text)).toEqual({ id, secretHash });
  }
});

test.each(['', 'berth_', 'Bearer x', `berth_${'0'.repeat(32)}_short`, `berth_${'g'.repeat(32)}_${'a'.repeat(43)}`])(
  '%j is no token',
  (text) => {
    expect(readToken(text)).toBeUndefined();
  },
);
