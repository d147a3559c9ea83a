import { fitScorer } from '../scorer.js';

/** The less is left over, the better: keeps large holes for large instances. */
export const bestFitScorer = fitScorer('best-fit', 0.5, 0.5);
