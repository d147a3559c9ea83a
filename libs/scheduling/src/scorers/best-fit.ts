import type { Scorer } from '../scorer.js';

/** The less is left over, the better: keeps large holes for large instances. */
export const bestFitScorer: Scorer = {
  name: 'best-fit',
  on: 'fit',
  score: ({ cpuLeft, memoryLeft }) => 1 - (cpuLeft + memoryLeft) / 2,
};
