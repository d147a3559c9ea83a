import type { Prospect } from './prospect.js';

/** How good is that node? 0 (worst) to 1 (best), judged as if the request were already there. */
export interface Scorer {
  readonly name: string;
  /**
   * What the score depends on. `node`: on what the node is and how long it stays, not on what is left; it is then asked
   * once per kind and lane. `fit`: on what is left, and it never grows with it, all else equal, so that the walk can
   * stop. `shape`: on what is left in any other way.
   */
  readonly on: 'node' | 'fit' | 'shape';
  score(prospect: Prospect): number;
}
