import type { Scorer } from '../scorer.js';

/** The more is left over, the better: spreads load. */
export const worstFitScorer: Scorer = {
  name: 'worst-fit',
  on: 'shape',
  score: ({ cpuLeft, memoryLeft }) => (cpuLeft + memoryLeft) / 2,
};
