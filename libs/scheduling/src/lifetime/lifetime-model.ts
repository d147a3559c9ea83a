import { BANDS, HORIZONS, bandEndS, bandOf, bandStartsS, horizonsS } from './bands.js';

/** A group's own history outweighs its parent's once it counts this many lives. */
const PARENT_WEIGHT = 5;
/** Before anything is known: of those alive at age a, (a / b) ** 0.35 reach age b, the heavy tail clouds report. */
const PRIOR_EXPONENT = 0.35;
/** The same from here on down, so that the prior is finite at age 0. */
const PRIOR_FLOOR_S = 100;
/** No survival is taken to be surer than this: one instance alone must not make a node immortal. */
const SURVIVAL_MAX = 0.9999;
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
  /** By age band: lives that ended there, and lives that are there now. */
  readonly ended: Float64Array;
  readonly alive: Float64Array;
  /** Ended or at work in this group and those below it; what `relearn` works on. */
  readonly deaths: Float64Array;
  readonly exposed: Float64Array;
  readonly hazard: Float64Array;
}

/**
 * Lifetimes, learned from what has ended and what has not (the actuarial estimate of a hazard per age band). Groups
 * form a chain from everything over shape and batch size down to the project, each leaning on its parent while it has
 * seen little. Call `relearn` from time to time; answers are those of the last call. No look ahead, no clock.
 */
export class LifetimeModel {
  readonly #groups: Group[] = [];
  readonly #byKey = new Map<string, number>();
  /** ln(1 - chance to be alive then), by group, age band and horizon. */
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

  arrived(group: number): void {
    this.#groups[group]!.alive[0]! += 1;
  }

  /** An instance last counted in `band` has ended at age `ageS`. */
  ended(group: number, band: number, ageS: number): void {
    this.#groups[group]!.alive[band]! -= 1;
    this.#groups[group]!.ended[bandOf(ageS)]! += 1;
  }

  /** An instance last counted in `from` has grown into `to`. */
  aged(group: number, from: number, to: number): void {
    const { alive } = this.#groups[group]!;
    alive[from]! -= 1;
    alive[to]! += 1;
  }

  /** Chance that an arriving instance is still there after thirty-two hours. */
  longevity(group: number): number {
    return 1 - Math.exp(this.#goneLog[this.rowOf(group, 0) + LONGEVITY_HORIZON]!);
  }

  /** Where `goneLog` holds the horizons of an instance of that group and age. */
  rowOf(group: number, band: number): number {
    return (group * BANDS + band) * HORIZONS;
  }

  get goneLog(): Float64Array {
    return this.#goneLog;
  }

  /** Brings the estimates up to date with all that was reported. */
  relearn(): void {
    for (const group of this.#groups) {
      for (let band = 0; band < BANDS; band++) {
        group.deaths[band] = group.ended[band]!;
        group.exposed[band] = group.ended[band]! + group.alive[band]!;
      }
    }
    // Children come after their parents: backwards, sums climb; forwards, hazards descend.
    for (let index = this.#groups.length - 1; index > 0; index--) this.#addToParent(this.#groups[index]!);
    this.#groups.forEach((group, index) => this.#estimate(group, index));
  }

  #intern(key: string, parent: number): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const bands = (): Float64Array => new Float64Array(BANDS);
    const group = { parent, ended: bands(), alive: bands(), deaths: bands(), exposed: bands(), hazard: bands() };
    const index = this.#groups.push(group) - 1;
    this.#byKey.set(key, index);
    if (this.#goneLog.length < this.rowOf(index + 1, 0)) {
      const grown = new Float64Array(this.rowOf(2 * (index + 1), 0));
      grown.set(this.#goneLog);
      this.#goneLog = grown;
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
      const row = this.rowOf(index, band);
      horizonsS.forEach((horizonS, horizon) => {
        const stillThere = Math.exp(survivalLog(survival, ageS + horizonS) - now);
        this.#goneLog[row + horizon] = Math.log(1 - Math.min(SURVIVAL_MAX, stillThere));
      });
    }
  }
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
