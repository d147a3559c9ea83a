import { STAY_LEVELS } from '../capacity-index.js';
import { HORIZONS, horizonsS } from './bands.js';
import type { LifetimeModel } from './lifetime-model.js';

/** Time matters by its logarithm, and little below ten minutes. */
const SCALE_S = 600;
const weights = horizonsS.map((s, i) => Math.log1p(s / SCALE_S) - Math.log1p((horizonsS[i - 1] ?? 0) / SCALE_S));
const WEIGHT = weights.reduce((sum, weight) => sum + weight, 0);

/**
 * How long each node will be in use if nothing more comes to it: it is empty at a horizon when every instance on it is
 * gone by then, so the chances multiply. Kept as sums of logarithms, one for each horizon.
 */
export class NodeStay {
  readonly #model: LifetimeModel;
  readonly #emptyLog: Float64Array;

  constructor(model: LifetimeModel, nodes: number) {
    this.#model = model;
    this.#emptyLog = new Float64Array(nodes * HORIZONS);
  }

  /** Adds an instance; `row` is its `LifetimeModel.rowOf`. */
  add(node: number, row: number): void {
    const { goneLog } = this.#model;
    for (let i = 0; i < HORIZONS; i++) this.#emptyLog[node * HORIZONS + i]! += goneLog[row + i]!;
  }

  /** Takes out an instance that was added under `row`, if the model has not relearned since. */
  remove(node: number, row: number): void {
    const { goneLog } = this.#model;
    for (let i = 0; i < HORIZONS; i++) this.#emptyLog[node * HORIZONS + i]! -= goneLog[row + i]!;
  }

  /** Forgets what is on a node: before its instances are added anew, and when it is empty. */
  clear(node: number): void {
    this.#emptyLog.fill(0, node * HORIZONS, (node + 1) * HORIZONS);
  }

  /** 0 to `STAY_LEVELS` - 1: the expected logarithm of the time until the node is empty. */
  levelOf(node: number): number {
    let stay = 0;
    for (let i = 0; i < HORIZONS; i++) stay += weights[i]! * (1 - Math.exp(this.#emptyLog[node * HORIZONS + i]!));
    return Math.min(STAY_LEVELS - 1, Math.max(0, Math.floor((stay / WEIGHT) * STAY_LEVELS)));
  }
}
