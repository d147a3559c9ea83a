import type { BerthRules } from '@berth/scheduling/consolidation/berth.js';

/**
 * Chosen on PlanetLab days begun at another hour, mixed, and made up; `docs/benchmarks.md` has each of the five.
 * Both policies differ in what overload they aim at, how many moves they spend, and in how early they react.
 */
export const BERTH: BerthRules = {
  name: 'berth',
  readEveryS: 10,
  planEveryS: 30,
  objective: { overloadShare: 0.0475, windowS: 86_400, gain: 6 },
  forecast: { meanGain: 0.06, driftGain: 0.2, varianceGain: 0.03, priorWeight: 16 },
  relief: {
    downToShare: 0.92,
    targetShare: 0.96,
    riskWeight: 1,
    remainderWeight: 10,
    balanceWeight: 0.8,
    slownessWeight: 0.05,
    spreadWeight: 20,
  },
  budget: { perRound: 60, perInstanceDay: 24, cooldownS: 300, noReturnS: 1800 },
  pace: { movesPerInstanceDay: 2.055, patience: 0.19, leastPatience: 0.02, mostPatience: 0.5, gain: 2 },
  shortfallWeight: 5,
  wakeFactor: 2.2,
  emptyEveryS: 1200,
  wakeRestS: 600,
  priorRatio: 0.8,
  admissionDeviations: 0.55,
  reserveNodes: 0,
};

export const BERTH_SAFE: BerthRules = {
  ...BERTH,
  name: 'berth-safe',
  objective: { ...BERTH.objective, overloadShare: 0.01 },
  forecast: { ...BERTH.forecast, priorWeight: 8 },
  // Relieves nodes before they are full.
  relief: { ...BERTH.relief, downToShare: 0.9, targetShare: 0.92, riskWeight: 4 },
  pace: { movesPerInstanceDay: 1.56, patience: -0.05, leastPatience: -0.3, mostPatience: 0.3, gain: 2 },
  admissionDeviations: 2,
};
