import { cpuShareLeft, memoryShareLeft } from '../scorer.js';
import type { Scorer } from '../scorer.js';

/** The less is left over, the better: keeps large holes for large instances. */
export const bestFitScorer: Scorer = {
  name: 'best-fit',
  score: (fleet, request, node) =>
    1 - (cpuShareLeft(fleet, request, node) + memoryShareLeft(fleet, request, node)) / 2,
};
