import { cpuShareLeft, memoryShareLeft } from '../scorer.js';
import type { Scorer } from '../scorer.js';

/** The more is left over, the better: spreads load. */
export const worstFitScorer: Scorer = {
  name: 'worst-fit',
  score: (fleet, request, node) => (cpuShareLeft(fleet, request, node) + memoryShareLeft(fleet, request, node)) / 2,
};
