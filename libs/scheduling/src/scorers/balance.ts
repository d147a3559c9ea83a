import type { Scorer } from '../scorer.js';

/** Leaves CPU and memory in proportion, so that neither is stranded by the want of the other. */
export const balanceScorer: Scorer = {
  name: 'balance',
  on: 'shape',
  score: ({ cpuLeft, memoryLeft }) => 1 - Math.abs(cpuLeft - memoryLeft),
};
