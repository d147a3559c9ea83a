import type { Scorer } from '../scorer.js';

/**
 * Lifetime-aware: the longer a node will be in use anyway, the better, for the newcomer then keeps no node awake that
 * would have become empty. The idea of NILAS (Ling et al., MLSys 2025); `NodeStay` says how long.
 */
export const stayScorer: Scorer = {
  name: 'stay',
  on: 'node',
  score: ({ stay }) => stay,
};
