import { describe, expect, test } from 'vitest';
import { moveLimits } from './move-limits.js';

const node = { bandwidthBytesPerSecond: 2 ** 30, downtimeLimitMs: 50, postcopy: true };

describe('what a live migration may take', () => {
  test('is what its node allows where nothing is asked for', () => {
    expect(moveLimits({}, node)).toEqual({
      bandwidthBytesPerSecond: 2 ** 30,
      downtimeLimitMs: 50,
      autoConverge: false,
      converge: { limitMs: 60_000, otherwise: 'postcopy' },
    });
  });

  test('is never more of the network than the node allows', () => {
    expect(moveLimits({ bandwidthMibPerSecond: 5 }, node).bandwidthBytesPerSecond).toBe(5 * 2 ** 20);
    expect(moveLimits({ bandwidthMibPerSecond: 5000 }, node).bandwidthBytesPerSecond).toBe(2 ** 30);
  });

  test.each([{}, { otherwise: 'postcopy' }] as const)('is no postcopy where a node may not: %j slows down', (asked) => {
    const limits = moveLimits(asked, { ...node, postcopy: false });
    expect(limits).toMatchObject({ autoConverge: true, converge: { otherwise: 'stop' } });
    expect(moveLimits({ ...asked, autoConverge: false }, { ...node, postcopy: false }).autoConverge).toBe(false);
  });

  test.each(['stop', 'stay'] as const)('is no postcopy where the move is to %s', (otherwise) => {
    expect(moveLimits({ otherwise }, node)).toMatchObject({ autoConverge: false, converge: { otherwise } });
  });
});
