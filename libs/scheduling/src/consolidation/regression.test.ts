import { describe, expect, it } from 'vitest';
import { explainedByOthers } from './regression.js';

const series = (...values: number[]) => Float64Array.from(values);

describe('explainedByOthers', () => {
  it('is one for a series the others determine', () => {
    const a = series(1, 4, 2, 8, 5, 7);
    const b = series(3, 1, 4, 1, 5, 9);
    const sum = a.map((value, i) => 2 * value - (b[i] as number) + 3);
    for (const fit of explainedByOthers([a, b, sum]) as number[]) expect(fit).toBeCloseTo(1, 10);
  });

  it('is the squared correlation for two series', () => {
    const x = series(1, 2, 3, 4, 5);
    const y = series(2, 1, 4, 3, 5);
    const [first, second] = explainedByOthers([x, y]) as number[];
    expect(first).toBeCloseTo(0.64, 10);
    expect(second).toBeCloseTo(0.64, 10);
  });

  it('is undefined with one series, with fewer samples than series, and with a series of zeros', () => {
    expect(explainedByOthers([series(1, 2, 3)])).toBeUndefined();
    expect(explainedByOthers([series(1), series(2)])).toBeUndefined();
    expect(explainedByOthers([series(1, 2, 3, 5), series(0, 0, 0, 0), series(3, 1, 2, 2)])).toBeUndefined();
  });
});
