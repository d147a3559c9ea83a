import type { Scorer } from '../scorer.js';

/** Aligns the request's shape with what is free (Panigrahy et al., 2011): shares multiplied, then added. */
export const dotProductScorer: Scorer = {
  name: 'dot-product',
  on: 'shape',
  score: ({ cpuLeft, memoryLeft, cpuAsked, memoryAsked }) =>
    (cpuAsked * (cpuLeft + cpuAsked) + memoryAsked * (memoryLeft + memoryAsked)) / 2,
};
