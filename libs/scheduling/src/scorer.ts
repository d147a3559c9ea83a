import type { Prospect } from './prospect.js';

/** How good is that node? 0 (worst) to 1 (best), judged as if the request were already there. */
export type Scorer = FreeScorer | FitScorer;

interface FreeScorer {
  readonly name: string;
  /**
   * What the score depends on. `node`: on what the node is and how long it stays, not on what is left; it is then asked
   * once per kind and lane. `shape`: on what is left, in any way.
   */
  readonly on: 'node' | 'shape';
  score(prospect: Prospect): number;
}

/** 1 less a price for each share left over: it falls in a straight line, so the walk can stop, and needs no call. */
export interface FitScorer {
  readonly name: string;
  readonly on: 'fit';
  /** Not negative; at most 1 together. */
  readonly cpuPrice: number;
  readonly memoryPrice: number;
  score(prospect: Prospect): number;
}

export function fitScorer(name: string, cpuPrice: number, memoryPrice: number): FitScorer {
  const score = ({ cpuLeft, memoryLeft }: Prospect): number => 1 - (cpuPrice * cpuLeft + memoryPrice * memoryLeft);
  return { name, on: 'fit', cpuPrice, memoryPrice, score };
}
