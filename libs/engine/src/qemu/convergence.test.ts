import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Convergence } from './convergence.js';

/** The pass in which it gives up, of a move in which each pass begins with so many bytes. */
function endOf(begins: readonly number[]): number | undefined {
  const convergence = new Convergence();
  for (const [index, begin] of begins.entries()) {
    for (const share of [1, 0.5, 0.01]) {
      if (!convergence.goesOn({ passes: index + 1, remaining: begin * share })) return index + 1;
    }
  }
  return undefined;
}

test('two passes in a row that begin with no less than one before come to nothing', () => {
  expect(endOf([97, 32.6, 34.1, 33.6])).toBe(4);
  expect(endOf([97, 32.6, 34.1, 20, 21, 19])).toBe(6);
});

test('a move whose passes become smaller by a fifth is never given up', () => {
  const begins = fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(begins, ([first, passes]) => {
      expect(endOf(Array.from({ length: passes }, (_, pass) => first * 0.8 ** pass))).toBeUndefined();
    }),
  );
});

test('a look that comes before the new pass is counted takes nothing for a gain', () => {
  const convergence = new Convergence();
  const look = (passes: number, remaining: number) => convergence.goesOn({ passes, remaining });
  expect([look(1, 100), look(1, 1), look(2, 0), look(2, 40), look(2, 1), look(3, 0)]).not.toContain(false);
  expect(look(3, 41)).toBe(true);
  expect([look(4, 0), look(4, 40)]).toEqual([true, false]);
});
