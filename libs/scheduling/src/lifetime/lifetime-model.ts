import { BANDS, HORIZONS, bandEndS, bandOf, bandStartsS, horizonsS } from './bands.js';

/** A group's own history outweighs its parent's once it counts this many lives. */
const PARENT_WEIGHT = 5;
/** Before anything is known: of those alive at age a, (a / b) ** 0.35 reach age b, the heavy tail clouds report. */
const PRIOR_EXPONENT = 0.35;
/** The same from here on down, so that the prior is finite at age 0. */
const PRIOR_FLOOR_S = 100;
/** No survival is taken to be surer than this: one instance alone must not make a node immortal. */
const SURVIVAL_MAX = 0.9999;
/** Logarithms are rounded to multiples of 2 ** -32: sums of a million of them are then exact, in any order. */
const UNITS = 2 ** 32;
const LONGEVITY_HORIZON = horizonsS.indexOf(32 * 3600);

/** What is known of an instance when it arrives. */
export interface LifetimeTraits {
  readonly project: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  /** Instances asked for in one request. */
  readonly batchSize: number;
}

interface Group {
  readonly parent: number;
  /** By age band: ended, or at work, in this group and those below it; what `relearn` works on. */
  readonly deaths: Float64Array;
  readonly exposed: Float64Array;
  readonly hazard: Float64Array;
}

/**
 * Lifetimes, learned from what has ended and what has not (the actuarial estimate of a hazard per age band). Groups
 * form a chain from everything over shape and batch size down to the project, each leaning on its parent while it has
 * seen little. Call `relearn` from time to time; answers are those of the last call. No look ahead, no clock.
 * All that is known of an instance is one number, its cell: its group and the age band it was last counted in.
 */
export class LifetimeModel {
  readonly #groups: Group[] = [];
  readonly #byKey = new Map<string, number>();
  /** By cell: lives that are there now, and lives that ended there. */
  #alive = new Float64Array(0);
  #ended = new Float64Array(0);
  /** ln(1 - chance to be alive then), by cell and horizon. */
  #goneLog = new Float64Array(0);

  constructor() {
    this.#intern('', -1);
  }

  get groups(): number {
    return this.#groups.length;
  }

  /** The most specific group of an instance. */
  groupOf({ project, cpuMillis, memoryMib, batchSize }: LifetimeTraits): number {
    const shape = `${cpuMillis} ${memoryMib}`;
    const batch = `${shape} ${Math.floor(Math.log2(batchSize))}`;
    const known = this.#byKey.get(`${batch} ${project}`);
    if (known !== undefined) return known;
    return this.#intern(`${batch} ${project}`, this.#intern(batch, this.#intern(shape, 0)));
  }

  cellOf(group: number, band: number): number {
    return group * BANDS + band;
  }

  arrived(cell: number): void {
    this.#alive[cell]! += 1;
  }

  /** An instance of that cell has ended at age `ageS`. */
  ended(cell: number, ageS: number): void {
    this.#alive[cell]! -= 1;
    this.#ended[cell - (cell % BANDS) + bandOf(ageS)]! += 1;
  }

  /** The cell of an instance of that age, which was counted in `cell` until now. */
  aged(cell: number, ageS: number): number {
    const now = cell - (cell % BANDS) + bandOf(ageS);
    this.#alive[cell]! -= 1;
    this.#alive[now]! += 1;
    return now;
  }

  /** Chance that an arriving instance is still there after thirty-two hours. */
  longevity(group: number): number {
    return 1 - Math.exp(this.#goneLog[this.cellOf(group, 0) * HORIZONS + LONGEVITY_HORIZON]!);
  }

  /** `HORIZONS` values for each cell. */
  get goneLog(): Float64Array {
    return this.#goneLog;
  }

  /** Brings the estimates up to date with all that was reported. */
  relearn(): void {
    this.#groups.forEach((group, index) => {
      for (let band = 0; band < BANDS; band++) {
        const cell = this.cellOf(index, band);
        group.deaths[band] = this.#ended[cell]!;
        group.exposed[band] = this.#ended[cell]! + this.#alive[cell]!;
      }
    });
    // Children come after their parents: backwards, sums climb; forwards, hazards descend.
    for (let index = this.#groups.length - 1; index > 0; index--) this.#addToParent(this.#groups[index]!);
    this.#groups.forEach((group, index) => this.#estimate(group, index));
  }

  #intern(key: string, parent: number): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const bands = (): Float64Array => new Float64Array(BANDS);
    const group = { parent, deaths: bands(), exposed: bands(), hazard: bands() };
    const index = this.#groups.push(group) - 1;
    this.#byKey.set(key, index);
    if (this.#alive.length < this.cellOf(index + 1, 0)) {
      const cells = this.cellOf(2 * (index + 1), 0);
      this.#alive = grown(this.#alive, cells);
      this.#ended = grown(this.#ended, cells);
      this.#goneLog = grown(this.#goneLog, cells * HORIZONS);
    }
    this.#estimate(group, index);
    return index;
  }

  #addToParent(group: Group): void {
    const parent = this.#groups[group.parent]!;
    for (let band = 0; band < BANDS; band++) {
      parent.deaths[band]! += group.deaths[band]!;
      parent.exposed[band]! += group.exposed[band]!;
    }
  }

  #estimate(group: Group, index: number): void {
    const parent = this.#groups[group.parent];
    let atRisk = 0;
    for (let band = BANDS - 1; band >= 0; band--) {
      atRisk += group.exposed[band]!;
      const believed = parent ? parent.hazard[band]! : priorHazard(band);
      group.hazard[band] = (group.deaths[band]! + PARENT_WEIGHT * believed) / (atRisk + PARENT_WEIGHT);
    }
    this.#tabulate(group, index);
  }

  #tabulate(group: Group, index: number): void {
    const survival = new Float64Array(BANDS + 1);
    for (let band = 0; band < BANDS; band++) survival[band + 1] = survival[band]! + Math.log(1 - group.hazard[band]!);
    for (let band = 0; band < BANDS; band++) {
      const ageS = band === 0 ? 0 : (bandStartsS[band]! + bandEndS(band)) / 2;
      const now = survivalLog(survival, ageS);
      const row = this.cellOf(index, band) * HORIZONS;
      horizonsS.forEach((horizonS, horizon) => {
        const stillThere = Math.exp(survivalLog(survival, ageS + horizonS) - now);
        const goneLog = Math.log(1 - Math.min(SURVIVAL_MAX, stillThere));
        this.#goneLog[row + horizon] = Math.round(goneLog * UNITS) / UNITS;
      });
    }
  }
}

function grown(column: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(column);
  return larger;
}

function priorHazard(band: number): number {
  return 1 - (Math.max(bandStartsS[band]!, PRIOR_FLOOR_S) / bandEndS(band)) ** PRIOR_EXPONENT;
}

/** ln of the chance to reach an age: `atStart` holds it for the starts of the bands, between them it is a line. */
function survivalLog(atStart: Float64Array, ageS: number): number {
  const band = bandOf(ageS);
  const [from, to] = [bandStartsS[band]!, bandEndS(band)];
  const share = Math.min(1, (ageS - from) / (to - from));
  return atStart[band]! + (atStart[band + 1]! - atStart[band]!) * share;
}
