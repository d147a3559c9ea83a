import type { Scorer } from '../scorer.js';

/** The earliest node in the fleet's order. */
export const firstFitScorer: Scorer = {
  name: 'first-fit',
  score: (fleet, _request, node) => 1 - node / fleet.size,
};
