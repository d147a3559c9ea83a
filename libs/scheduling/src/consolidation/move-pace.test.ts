import { describe, expect, it } from 'vitest';
import { MovePace } from './move-pace.js';

const RULES = { movesPerInstanceDay: 2, patience: 0.2, leastPatience: 0, mostPatience: 0.5, gain: 1 };
const HOUR_S = 3600;

function after(hours: number, movesPerHour: number): number {
  const pace = new MovePace(RULES);
  for (let hour = 0; hour <= hours; hour++) pace.book(hour * HOUR_S, hour === 0 ? 0 : movesPerHour, 12);
  return pace.patience();
}

describe('MovePace', () => {
  it('keeps its patience at the pace, gains it beyond, and loses it below', () => {
    // 12 instances at two moves a day: one each hour.
    expect(after(6, 1)).toBeCloseTo(0.2, 9);
    expect(after(2, 2)).toBeCloseTo(0.2 + (1 / 12) * (1 + 11 / 12), 9);
    expect(after(2, 0.5)).toBeLessThan(0.2);
  });

  it('stays between the least and the most patience', () => {
    expect(after(12, 10)).toBe(0.5);
    expect(after(12, 0)).toBe(0);
  });
});
