import type { BerthRules } from '@berth/scheduling/consolidation/berth.js';

/**
 * Tuned on the PlanetLab days 20110303 and 20110420, the aims on all five; `docs/benchmarks.md` has each day.
 * Both policies differ in what overload they aim at, and in how early they react.
 */
export const BERTH: BerthRules = {
  name: 'berth',
  readEveryS: 60,
  objective: { overloadShare: 0.047, windowS: 43_200, gain: 1 },
  forecast: { meanGain: 0.06, varianceGain: 0.03, priorWeight: 16 },
  relief: {
    triggerShare: 1.015,
    downToShare: 0.93,
    targetShare: 0.96,
    riskWeight: 1,
    remainderWeight: 10,
    balanceWeight: 0.8,
    slownessWeight: 0.05,
  },
  budget: { perRound: 60, perInstanceDay: 24, cooldownS: 300, noReturnS: 1800 },
  shortfallWeight: 5,
  wakeFactor: 2.2,
  emptyEveryS: 2400,
  wakeRestS: 1200,
  priorRatio: 1,
  admissionDeviations: 0.7,
  reserveNodes: 0,
};

export const BERTH_SAFE: BerthRules = {
  ...BERTH,
  name: 'berth-safe',
  objective: { ...BERTH.objective, overloadShare: 0.0105 },
  forecast: { ...BERTH.forecast, priorWeight: 8 },
  // Relieves nodes before they are full.
  relief: { ...BERTH.relief, triggerShare: 0.98, downToShare: 0.9, targetShare: 0.92, riskWeight: 4 },
  admissionDeviations: 2,
};
