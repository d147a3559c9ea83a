import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MoveGuard } from './move-guard.js';

const budget = { perRound: 3, perInstanceDay: 4, cooldownS: 600, noReturnS: 3600 };

describe('MoveGuard', () => {
  it('lets no instance ping-pong, whatever is asked of it', () => {
    const wish = fc.record({ stepS: fc.integer({ min: 0, max: 900 }), instance: fc.nat(2), to: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 300 }), (wishes) => {
        const guard = new MoveGuard(budget);
        const node = [0, 0, 0];
        const moves: { instance: number; from: number; to: number; atS: number }[] = [];
        let nowS = 0;
        for (const { stepS, instance, to } of wishes) {
          nowS += stepS;
          if (to === node[instance] || !guard.mayLeave(instance, nowS) || !guard.mayGoTo(instance, to, nowS)) continue;
          guard.record(instance, node[instance]!, nowS);
          moves.push({ instance, from: node[instance]!, to, atS: nowS });
          node[instance] = to;
        }
        for (const move of moves) {
          const others = moves.filter((other) => other !== move && other.instance === move.instance);
          expect(others.every(({ atS }) => Math.abs(atS - move.atS) >= budget.cooldownS)).toBe(true);
          const returns = others.filter((o) => o.to === move.from && o.atS > move.atS);
          expect(returns.every(({ atS }) => atS - move.atS >= budget.noReturnS)).toBe(true);
          const day = others.filter(({ atS }) => atS <= move.atS && move.atS - atS < 86_400);
          expect(day.length).toBeLessThan(budget.perInstanceDay);
        }
      }),
    );
  });

  it('lets an instance go again exactly when its cooldown is over, and home when it may return', () => {
    const guard = new MoveGuard(budget);
    guard.record(1, 7, 1000);
    expect([1599, 1600].map((nowS) => guard.mayLeave(1, nowS))).toEqual([false, true]);
    expect([4599, 4600].map((nowS) => guard.mayGoTo(1, 7, nowS))).toEqual([false, true]);
    expect([guard.mayGoTo(1, 8, 1001), guard.mayLeave(2, 1001)]).toEqual([true, true]);
  });

  it('keeps an instance where it is once it has had its moves of a day, until the first of them is a day old', () => {
    const guard = new MoveGuard(budget);
    for (const atS of [0, 10_000, 20_000, 30_000]) guard.record(1, 0, atS);
    expect([40_000, 86_399, 86_400].map((nowS) => guard.mayLeave(1, nowS))).toEqual([false, false, true]);
    guard.record(1, 0, 86_400);
    expect([96_399, 96_400].map((nowS) => guard.mayLeave(1, nowS))).toEqual([false, true]);
  });

  it('counts down the budget of a round', () => {
    const guard = new MoveGuard(budget);
    guard.record(1, 0, 0);
    expect(guard.leftInRound).toBe(2);
    guard.startRound();
    expect(guard.leftInRound).toBe(3);
  });
});
