import { expect, test } from 'vitest';
import { bootDeadlineMs, copyDeadlineMs, operationDeadlineMs } from '@berth/domain/limits.js';
import { durationMs, timeoutDefaultMs } from './wait.js';

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

test('by default an operation is seen to its end, whatever its deadline', () => {
  for (const deadlineMs of [operationDeadlineMs, bootDeadlineMs, copyDeadlineMs]) {
    expect(timeoutDefaultMs).toBeGreaterThan(deadlineMs);
  }
});
