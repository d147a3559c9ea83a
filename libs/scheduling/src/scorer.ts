import type { Prospect } from './prospect.js';

/** How good is that node? 0 (worst) to 1 (best), judged as if the request were already there. */
export interface Scorer {
  readonly name: string;
  /**
   * Whether, all else equal, the score never grows with what is left over. The index then walks from the tightest
   * bucket outwards and stops where no bucket can beat the best so far.
   */
  readonly tight: boolean;
  score(prospect: Prospect): number;
}
