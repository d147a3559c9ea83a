import { expect, test } from 'vitest';
import { durationMs } from './duration.js';

test.each([
  ['90', 90_000],
  ['90s', 90_000],
  ['250ms', 250],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
])('a time of %s is %d ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['', 'soon', '-1s', '5 s', '1d'])('%j is no time', (text) => {
  expect(() => durationMs(text)).toThrow(/such as 90s or 2m/);
});
