import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.js';

describe('EventQueue', () => {
  it('hands events out by time, and events of one time in the order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
        const queue = new EventQueue<number>();
        times.forEach((timeS, i) => queue.add(timeS, i));
        const expected = times.map((timeS, i) => [timeS, i] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(times.map(() => queue.take())).toEqual(expected.map(([, i]) => i));
        expect(queue.take()).toBeUndefined();
      }),
    );
  });

  it('hands events of one time out by rank', () => {
    const queue = new EventQueue<string>();
    queue.add(1, 'decide', 2);
    queue.add(1, 'depart', 1);
    queue.add(1, 'tick');
    expect([queue.take(), queue.take(), queue.take()]).toEqual(['tick', 'depart', 'decide']);
  });

  it('refuses an event without a time', () => {
    expect(() => new EventQueue<string>().add(Number.NaN, 'never')).toThrow(RangeError);
  });
});
