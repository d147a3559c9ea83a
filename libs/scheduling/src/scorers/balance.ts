import { cpuShareLeft, memoryShareLeft } from '../scorer.js';
import type { Scorer } from '../scorer.js';

/** Leaves CPU and memory in proportion, so that neither is stranded by the want of the other. */
export const balanceScorer: Scorer = {
  name: 'balance',
  score: (fleet, request, node) =>
    1 - Math.abs(cpuShareLeft(fleet, request, node) - memoryShareLeft(fleet, request, node)),
};
