import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PowerCurve } from './curve.js';

const spec = new PowerCurve([93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135]);
const utilization = fc.double({ min: 0, max: 1.3, noNaN: true });

describe('PowerCurve', () => {
  it('passes through its points, is straight between them and level above full', () => {
    expect([0, 0.1, 0.55, 1, 1.2].map((at) => spec.wattsAt(at))).toEqual([93.7, 97, 118.5, 135, 135]);
    expect(new PowerCurve([100, 200]).wattsAt(0.25)).toBe(125);
  });

  it('integrates exactly: halves of a ramp add up to the whole, and a fine sum agrees', () => {
    fc.assert(
      fc.property(utilization, utilization, (from, to) => {
        const middle = (from + to) / 2;
        const whole = spec.joules(from, to, 300);
        expect(spec.joules(from, middle, 150) + spec.joules(middle, to, 150)).toBeCloseTo(whole, 4);
        let sum = 0;
        for (let i = 0; i < 3000; i++) sum += spec.wattsAt(from + ((to - from) * (i + 0.5)) / 3000) * 0.1;
        expect(sum / whole).toBeCloseTo(1, 6);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses curves that fall or have one point', () => {
    expect(() => new PowerCurve([100, 90])).toThrow(RangeError);
    expect(() => new PowerCurve([100])).toThrow(RangeError);
  });
});
