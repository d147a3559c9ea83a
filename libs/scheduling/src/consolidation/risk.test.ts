import { describe, expect, it } from 'vitest';
import { loadRisk, normalTail } from './risk.js';

describe('risk', () => {
  it('knows the normal distribution', () => {
    for (const [z, tail] of [
      [-9, 1],
      [-1, 0.841345],
      [0, 0.5],
      [1.281552, 0.1],
      [2.326348, 0.01],
      [9, 0],
    ] as const) {
      expect(normalTail(z)).toBeCloseTo(tail, 5);
    }
  });

  it('grows with load and with variance below full, and is half of the time when the mean fills the node', () => {
    expect(loadRisk(1000, 800, 10_000, 0)).toBeLessThan(loadRisk(1000, 900, 10_000, 0));
    expect(loadRisk(1000, 800, 10_000, 0)).toBeLessThan(loadRisk(1000, 800, 20_000, 0));
    expect(loadRisk(1000, 1000, 10_000, 0)).toBeCloseTo(0.5, 6);
  });

  it('does not let one node be sacrificed: beyond overload, shortfall keeps counting', () => {
    const twice = loadRisk(1000, 2000, 10_000, 5);
    const thrice = loadRisk(1000, 3000, 10_000, 5);
    expect(thrice - twice).toBeCloseTo(5, 2);
  });
});
