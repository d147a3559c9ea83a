import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion, formatMoney, microCents } from './money.js';

describe('money', () => {
  it('splits to the last micro-cent, and nobody is a whole one off the exact share', () => {
    const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), weights, (total, shares) => {
        fc.pre(shares.some((share) => share > 0));
        const parts = apportion(total, shares);
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(total);
        const sum = shares.reduce((all, share) => all + share, 0);
        parts.forEach((part, i) => {
          const exact = (Number(total) * shares[i]!) / sum;
          expect(Math.abs(Number(part) - exact)).toBeLessThanOrEqual(1 + Number(total) * 1e-12);
        });
      }),
    );
  });

  it('refuses to charge nobody, and weights that are none', () => {
    expect(() => apportion(1n, [0, 0])).toThrow('nobody to charge');
    expect(() => apportion(1n, [1, -1])).toThrow(RangeError);
    expect(() => apportion(1n, [1, Number.NaN])).toThrow(RangeError);
    expect(apportion(0n, [0, 0])).toEqual([0n, 0n]);
  });

  it('prints two digits', () => {
    expect(formatMoney(microCents(12.3456), 'EUR')).toBe('12.35 EUR');
  });
});
