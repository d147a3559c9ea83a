import { expect, test } from 'vitest';
import { TokenBuckets } from './token-buckets.js';

test('a key gets its burst at once, then its rate, and no key pays for another', () => {
  let nowMs = 0;
  const buckets = new TokenBuckets({ perSecond: 2, burst: 3, keysMax: 10 }, () => nowMs);
  expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([true, true, true, false]);
  expect(buckets.take('b')).toBe(true);
  nowMs += 1_000;
  expect([1, 2, 3].map(() => buckets.take('a'))).toEqual([true, true, false]);
});

test('asking in vain does not put the refill off', () => {
  let nowMs = 0;
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1, keysMax: 10 }, () => nowMs);
  buckets.take('a');
  for (let i = 0; i < 9; i++) {
    nowMs += 100;
    expect(buckets.take('a')).toBe(false);
  }
  nowMs += 101;
  expect(buckets.take('a')).toBe(true);
});

test('more keys than it keeps push out the one not seen longest', () => {
  const buckets = new TokenBuckets({ perSecond: 0, burst: 1, keysMax: 2 }, () => 0);
  for (const key of ['a', 'b', 'c']) buckets.take(key);
  expect(buckets.take('c')).toBe(false);
  expect(buckets.take('a')).toBe(true);
});
