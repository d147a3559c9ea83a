import { STAY_LEVELS } from '../capacity-index.js';
import { HORIZONS, horizonsS } from './bands.js';
import type { LifetimeModel } from './lifetime-model.js';

/** Below this, 1 - exp is 1 to the last digit. */
const SURE = -38;
/** Time matters by its logarithm, and little below ten minutes. */
const SCALE_S = 600;
const weights = Float64Array.from(
  horizonsS,
  (s, i) => Math.log1p(s / SCALE_S) - Math.log1p((horizonsS[i - 1] ?? 0) / SCALE_S),
);
const WEIGHT = weights.reduce((sum, weight) => sum + weight, 0);

/**
 * How long each node will be in use if nothing more comes to it: it is empty at a horizon when every instance on it is
 * gone by then, so the chances multiply. Kept as sums of logarithms, one for each horizon; the model's logarithms are
 * whole multiples of one small unit, so a sum does not depend on the order or the past of what is in it.
 */
export class NodeStay {
  readonly #model: LifetimeModel;
  readonly #emptyLog: Float64Array;

  constructor(model: LifetimeModel, nodes: number) {
    this.#model = model;
    this.#emptyLog = new Float64Array(nodes * HORIZONS);
  }

  /** Adds an instance of that cell of the model. */
  add(node: number, cell: number): void {
    const { goneLog } = this.#model;
    const sums = this.#emptyLog;
    const [first, row] = [node * HORIZONS, cell * HORIZONS];
    for (let i = 0; i < HORIZONS; i++) sums[first + i]! += goneLog[row + i]!;
  }

  /** Takes out an instance that was added as of that cell, if the model has not relearned since. */
  remove(node: number, cell: number): void {
    const { goneLog } = this.#model;
    const sums = this.#emptyLog;
    const [first, row] = [node * HORIZONS, cell * HORIZONS];
    for (let i = 0; i < HORIZONS; i++) sums[first + i]! -= goneLog[row + i]!;
  }

  /** Forgets what is on a node: before its instances are added anew. */
  clear(node: number): void {
    this.#emptyLog.fill(0, node * HORIZONS, (node + 1) * HORIZONS);
  }

  /** 0 to `STAY_LEVELS` - 1: the expected logarithm of the time until the node is empty. */
  levelOf(node: number): number {
    const sums = this.#emptyLog;
    const first = node * HORIZONS;
    let stay = 0;
    for (let i = 0; i < HORIZONS; i++) {
      const sum = sums[first + i]!;
      stay += sum < SURE ? weights[i]! : weights[i]! * (1 - Math.exp(sum));
    }
    return Math.min(STAY_LEVELS - 1, Math.max(0, Math.floor((stay / WEIGHT) * STAY_LEVELS)));
  }
}
