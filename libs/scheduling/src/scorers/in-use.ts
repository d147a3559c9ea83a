import type { Scorer } from '../scorer.js';

/** A node in use before an empty one, which can then stay empty or asleep. */
export const inUseScorer: Scorer = {
  name: 'in-use',
  on: 'node',
  score: ({ inUse }) => (inUse ? 1 : 0),
};
