import { describe, expect, it } from 'vitest';
import { ErrorBudget } from './error-budget.js';

const OBJECTIVE = { overloadShare: 0.05, windowS: 10_000, gain: 1 };

/** Nodes measure this share of overload for two hours, at a predicted risk of 0.1. */
function after(share: number): ErrorBudget {
  const budget = new ErrorBudget(OBJECTIVE, 1, 1);
  for (let nowS = 0; nowS <= 7200; nowS += 60) {
    budget.book(nowS, { activeS: nowS * 40, overloadS: nowS * 40 * share }, 0.1);
  }
  return budget;
}

describe('ErrorBudget', () => {
  it('learns from what nodes measured how much overload a risk comes to', () => {
    expect(after(0.05).expected(0.1)).toBeCloseTo(0.05, 2);
    expect(after(0.2).expected(0.1)).toBeCloseTo(0.2, 2);
    expect(new ErrorBudget(OBJECTIVE, 0.5, 100).expected(0.1)).toBeCloseTo(0.05, 9);
  });

  it('allows the objective while it is met, more while there is slack, less while it is missed', () => {
    expect(after(0.05).allowed()).toBeCloseTo(0.05, 9);
    expect(after(0.01).allowed()).toBeGreaterThan(0.06);
    expect(after(0.08).allowed()).toBeLessThan(0.04);
  });

  it('allows between 0.3 and 2 times the objective whatever happened', () => {
    expect(after(1).allowed()).toBeCloseTo(0.015, 9);
    const idle = new ErrorBudget({ ...OBJECTIVE, gain: 100 }, 1, 100);
    idle.book(0, { activeS: 0, overloadS: 0 }, 0);
    idle.book(600, { activeS: 600, overloadS: 0 }, 0);
    expect(idle.allowed()).toBeCloseTo(0.1, 9);
  });
});
