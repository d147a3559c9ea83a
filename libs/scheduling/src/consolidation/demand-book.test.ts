import { describe, expect, it } from 'vitest';
import { DemandBook } from './demand-book.js';

const RATES = { meanGain: 0.06, varianceGain: 0.03, priorWeight: 16 };
const COUNT = 50;
const ON_A_NODE = new Int32Array(COUNT);

/** Demand of each instance after `hours`, given its growth each 300 s, and what was learnt of it. */
function learn(driftGain: number, growth: number, hours = 12): { book: DemandBook; demand: number } {
  const book = new DemandBook({ ...RATES, driftGain });
  for (let i = 0; i < COUNT; i++) book.open(i, 0, 100, 1000);
  let demand = 100;
  for (let step = 1; step <= hours * 12; step++) {
    demand *= 1 + growth;
    book.read(step * 300, ON_A_NODE, new Float64Array(COUNT).fill(demand));
  }
  return { book, demand };
}

describe('DemandBook', () => {
  it('stays closer behind a fleet whose demand rises or falls as a whole', () => {
    for (const growth of [0.01, -0.01]) {
      const slow = learn(0, growth);
      const quick = learn(0.2, growth);
      const lag = ({ book, demand }: typeof slow) => Math.abs(book.mean[0]! / demand - 1);
      expect(lag(quick)).toBeLessThan(lag(slow) / 2);
    }
  });

  it('expects of an instance read once something between that and what all ask for', () => {
    const book = new DemandBook({ ...RATES, driftGain: 0 });
    book.open(0, 0, 0, 1000, 0.12);
    book.open(1, 0, 600, 1000, 0.12);
    expect(book.mean.slice(0, 2)).toEqual(Float64Array.of(40, 440));
    book.read(300, ON_A_NODE, Float64Array.of(0, 600));
    expect(book.mean[0]!).toBeLessThan(30); // a second reading of 0 takes a third of it
    expect(book.mean[1]!).toBeGreaterThan(490);
    book.open(2, 300, 600, 1000);
    expect(book.mean[2]!).toBe(600);
  });

  it('knows how fast demand grows', () => {
    const { book } = learn(0.2, 0.01);
    expect(book.growth * 300).toBeGreaterThan(0.009);
    expect(book.growth * 300).toBeLessThan(0.011);
    expect(learn(0.2, 0).book.growth).toBeCloseTo(0, 9);
  });

  it('does not take the swings of one instance for those of all', () => {
    const book = new DemandBook({ ...RATES, driftGain: 0.2 });
    for (let i = 0; i < COUNT; i++) book.open(i, 0, 100, 1000);
    for (let step = 1; step <= 100; step++) {
      const demand = Float64Array.from({ length: COUNT }, (_, i) => (i === 0 ? 100 * (step % 2) + 50 : 100));
      book.read(step * 300, ON_A_NODE, demand);
    }
    expect(Math.abs(book.mean[1]! - 100)).toBeLessThan(2);
    expect(book.variance[0]!).toBeGreaterThan(10 * book.variance[1]!);
  });
});
