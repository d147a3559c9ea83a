import { STAY_LEVELS } from '../capacity-index.js';
import { HORIZONS, horizonsS } from './bands.js';
import type { LifetimeModel } from './lifetime-model.js';

/** Below this, 1 - exp is 1 to the last digit. */
const SURE = -38;
/** 1 - exp(-x), a hair low, at steps of x up to where it is as good as 1; between the points a line is lower still. */
const STEPS_PER_UNIT = 32;
const STEPS = 16 * STEPS_PER_UNIT;
const chance = Float64Array.from({ length: STEPS + 1 }, (_, i) => 1 - Math.exp(-i / STEPS_PER_UNIT) - 1e-9);
/** The most that the table and its lines are too low: 1 / (8 * STEPS_PER_UNIT ** 2) and the hair. */
const TOO_LOW_MAX = 0.000_123;
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

  /** Forgets what is on a node, and adds instances of these cells, those from `first` up to, and without, `end`. */
  renew(node: number, cells: Int32Array, first: number, end: number): void {
    const { goneLog } = this.#model;
    const sums = this.#emptyLog;
    for (let i = 0; i < HORIZONS; i++) {
      let sum = 0;
      for (let at = first; at < end; at++) sum += goneLog[cells[at]! * HORIZONS + i]!;
      sums[node * HORIZONS + i] = sum;
    }
  }

  /**
   * 0 to `STAY_LEVELS` - 1: the expected logarithm of the time until the node is empty. Read from a table, and reckoned
   * only where that could be one level too low.
   */
  levelOf(node: number): number {
    const sums = this.#emptyLog;
    const first = node * HORIZONS;
    let stay = 0;
    for (let i = 0; i < HORIZONS; i++) stay += weights[i]! * chanceInUse(sums[first + i]!);
    const level = levelAt(stay);
    return level === levelAt(stay + WEIGHT * TOO_LOW_MAX) ? level : this.#exactLevelOf(node);
  }

  #exactLevelOf(node: number): number {
    let stay = 0;
    for (let i = 0; i < HORIZONS; i++) {
      const sum = this.#emptyLog[node * HORIZONS + i]!;
      stay += sum < SURE ? weights[i]! : weights[i]! * (1 - Math.exp(sum));
    }
    return levelAt(stay);
  }
}

function levelAt(stay: number): number {
  return Math.min(STAY_LEVELS - 1, Math.max(0, Math.floor((stay / WEIGHT) * STAY_LEVELS)));
}

/** From the table, of a node that is empty by then with a chance of `Math.exp(emptyLog)`. */
function chanceInUse(emptyLog: number): number {
  const step = -emptyLog * STEPS_PER_UNIT;
  if (step >= STEPS) return chance[STEPS]!;
  const below = Math.floor(step);
  return chance[below]! + (chance[below + 1]! - chance[below]!) * (step - below);
}
