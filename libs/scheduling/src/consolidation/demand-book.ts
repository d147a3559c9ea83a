/** How fast forecasts follow; learnt shares are per 300 s, whatever the reading interval. */
export interface ForecastRates {
  readonly meanGain: number;
  /** For what all instances deviate by together: little of that is noise, so it is learnt sooner. */
  readonly driftGain: number;
  readonly varianceGain: number;
  /** The first guess of the variance counts as so many readings of 300 s. */
  readonly priorWeight: number;
}

const GAIN_PERIOD_S = 300;
/** First guess: relative to its size, an instance varies little when idle or full and most in between. */
const FLOOR_VARIANCE = 0.0009;
const SPREAD_VARIANCE = 0.05;
/** What all instances ask for counts as so many readings of one that was read once. */
const TYPICAL_WEIGHT = 0.5;
/** As many readings of 300 s as the first guess of a mean is worth. */
const FIRST_GUESS_READINGS = 1;

/**
 * Mean and variance of each instance's demand, learnt from readings: exponentially weighted, and as plain averages
 * until enough has been seen. A rise or fall of all demand shows in the sum long before it shows in one instance, and
 * moves all means. On the traces at hand readings five minutes apart hold no more than that: their
 * deviations from the mean are uncorrelated.
 */
export class DemandBook {
  mean = new Float64Array(0);
  variance = new Float64Array(0);
  /** Growth of all demand each second, as a share of it. */
  growth = 0;
  private firstSeenS = new Float64Array(0);
  private lastSeenS = Number.NEGATIVE_INFINITY;

  constructor(private readonly rates: ForecastRates) {}

  /**
   * Starts with the present demand as the mean, drawn towards what is typical: who is idle at first will ask for more,
   * who is busy for less (shrinkage: Efron and Morris, "Data analysis using Stein's estimator", JASA 1975).
   */
  open(instance: number, nowS: number, demandCpuMillis: number, sizeCpuMillis: number, typicalShare?: number): void {
    this.reserve(instance + 1);
    const share = Math.min(1, demandCpuMillis / sizeCpuMillis);
    const typicalCpuMillis = typicalShare === undefined ? demandCpuMillis : typicalShare * sizeCpuMillis;
    this.mean[instance] = (demandCpuMillis + TYPICAL_WEIGHT * typicalCpuMillis) / (1 + TYPICAL_WEIGHT);
    this.variance[instance] = sizeCpuMillis ** 2 * (FLOOR_VARIANCE + SPREAD_VARIANCE * share * (1 - share));
    this.firstSeenS[instance] = nowS;
  }

  /** Takes a reading of all instances on a node. */
  read(nowS: number, node: Int32Array, demandCpuMillis: Float64Array): void {
    const step = Math.min(1, (nowS - this.lastSeenS) / GAIN_PERIOD_S);
    this.lastSeenS = nowS;
    if (!(step > 0)) return;
    const { meanGain, driftGain, varianceGain, priorWeight } = this.rates;
    const common = this.commonDeviation(nowS, node, demandCpuMillis);
    const drift = 1 + driftGain * step * common;
    // While demand grows steadily, means stay behind it by its growth over their gains.
    this.growth += driftGain * step * (((driftGain + meanGain) * common) / GAIN_PERIOD_S - this.growth);
    for (let i = 0; i < this.mean.length; i++) {
      if (node[i]! < 0) continue;
      const seen = (nowS - this.firstSeenS[i]!) / GAIN_PERIOD_S;
      if (seen <= 0) continue;
      const deviation = demandCpuMillis[i]! - this.mean[i]!;
      const gain = Math.max(varianceGain * step, step / (seen + priorWeight));
      this.variance[i]! += gain * (deviation * deviation - this.variance[i]!);
      const meanStep = Math.max(meanGain * step, step / (seen + step + FIRST_GUESS_READINGS));
      this.mean[i] = this.mean[i]! * drift + meanStep * deviation;
    }
  }

  /** By how much more than its mean all demand is now, as a share of it. */
  private commonDeviation(nowS: number, node: Int32Array, demandCpuMillis: Float64Array): number {
    let mean = 0;
    let demand = 0;
    for (let i = 0; i < node.length; i++) {
      if (node[i]! < 0 || this.firstSeenS[i]! >= nowS) continue;
      mean += this.mean[i]!;
      demand += demandCpuMillis[i]!;
    }
    return mean > 0 ? demand / mean - 1 : 0;
  }

  private reserve(count: number): void {
    if (count <= this.mean.length) return;
    const size = Math.max(count, 2 * this.mean.length);
    this.mean = grown(this.mean, size);
    this.variance = grown(this.variance, size);
    this.firstSeenS = grown(this.firstSeenS, size);
  }
}

function grown(column: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(size);
  copy.set(column);
  return copy;
}
