import { HISTORY_LENGTH, INTERVAL_S, kindOfVm, type VmKind } from './setup.js';
import type { Host } from './host.js';

/** One entry of the state history the service metrics are computed from. */
interface Served {
  timeS: number;
  allocatedMips: number;
  requestedMips: number;
  migrating: boolean;
}

export class Vm {
  readonly kind: VmKind;
  /** Newest first, as the detectors read it. */
  readonly history = new Float64Array(HISTORY_LENGTH);
  remembered = 0;
  host: Host | undefined;
  migrating = false;
  requestedMips = 0;
  utilization = 0;
  /** MIPS-seconds. */
  requestedTotal = 0;
  lostToMigration = 0;
  private readonly samples: Float64Array;
  private last: Served | undefined;

  constructor(index: number, count: number, percents: ArrayLike<number>) {
    this.kind = kindOfVm(index, count);
    this.samples = new Float64Array(percents.length + 1);
    for (let i = 0; i < percents.length; i++) this.samples[i] = (percents[i] as number) / 100;
    // The example reads one sample too few and repeats the last.
    this.samples[percents.length] = this.samples[percents.length - 1] as number;
  }

  advance(timeS: number): void {
    this.utilization = this.utilizationAt(timeS);
    this.requestedMips = this.utilization * this.kind.mips;
  }

  remember(): void {
    this.history.copyWithin(1, 0);
    this.history[0] = this.utilization;
    this.remembered = Math.min(HISTORY_LENGTH, this.remembered + 1);
  }

  /** Adds this VM's share of a host, sample by sample. */
  addHistory(sum: Float64Array, totalMips: number): void {
    const { history, remembered } = this;
    const { mips } = this.kind;
    for (let i = 0; i < remembered; i++) sum[i] = (sum[i] as number) + ((history[i] as number) * mips) / totalMips;
  }

  /** A later entry at the same instant replaces the earlier one. */
  record(timeS: number, allocatedMips: number): void {
    const { last } = this;
    if (last !== undefined && last.timeS !== timeS) {
      const seconds = timeS - last.timeS;
      this.requestedTotal += last.requestedMips * seconds;
      if (last.migrating && last.allocatedMips < last.requestedMips) {
        this.lostToMigration += (last.requestedMips - last.allocatedMips) * seconds;
      }
    }
    this.last = { timeS, allocatedMips, requestedMips: this.requestedMips, migrating: this.migrating };
  }

  private utilizationAt(timeS: number): number {
    if (timeS % INTERVAL_S === 0) return this.samples[timeS / INTERVAL_S] as number;
    const before = Math.floor(timeS / INTERVAL_S);
    const after = Math.ceil(timeS / INTERVAL_S);
    const from = this.samples[before] as number;
    const slope = ((this.samples[after] as number) - from) / ((after - before) * INTERVAL_S);
    return from + slope * (timeS - before * INTERVAL_S);
  }
}
