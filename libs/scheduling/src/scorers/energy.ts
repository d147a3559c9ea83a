import type { Scorer } from '../scorer.js';

/** The fewer watts a node draws for each CPU, the better. */
export const energyScorer: Scorer = {
  name: 'energy',
  on: 'node',
  score: ({ frugality }) => frugality,
};
