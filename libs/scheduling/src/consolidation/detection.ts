import { interquartileRange, medianAbsoluteDeviation } from './statistics.js';

/** What a detector judges a node by; shares of its CPU. */
export interface NodeReading {
  /** Asked for now. */
  readonly share: number;
  /** Newest first. Detectors may overwrite it. */
  readonly history: Float64Array;
  readonly length: number;
}

/** Is a node overloaded, or about to be? After Beloglazov and Buyya, CCPE 24(13), 2012. */
export type Detector = (reading: NodeReading) => boolean;

/** Until they have seen enough, the adaptive detectors use this bound. */
const FALLBACK_SHARE = 0.7;
const DEVIATION_SAMPLES = 12;
const REGRESSION_SAMPLES = 10;

/** THR: a fixed bound. */
export function threshold(bound: number): Detector {
  return ({ share }) => share > bound;
}

/** IQR: the wider the middle half of the history spreads, the more is kept free. */
export function interquartile(safety: number): Detector {
  return ({ share, history, length }) =>
    share > (length < DEVIATION_SAMPLES ? FALLBACK_SHARE : 1 - safety * interquartileRange(history, length));
}

/** MAD: as IQR, by the median absolute deviation. */
export function medianDeviation(safety: number): Detector {
  return ({ share, history, length }) =>
    share > (length < DEVIATION_SAMPLES ? FALLBACK_SHARE : 1 - safety * medianAbsoluteDeviation(history, length));
}

/** LR: the history's local regression (Loess, tricube weights) reaches full, times the safety, one reading ahead. */
export function localRegression(safety: number): Detector {
  return ({ share, history, length }) => {
    if (length < REGRESSION_SAMPLES) return share > FALLBACK_SHARE;
    return safety * loessAhead(history, REGRESSION_SAMPLES) >= 1;
  };
}

/** Weighted least squares of the newest `count` values, which weigh most; its value one step after the newest. */
function loessAhead(history: Float64Array, count: number): number {
  let weights = 0;
  let meanX = 0;
  let meanY = 0;
  const weightOf = (age: number) => (1 - (age / count) ** 3) ** 3;
  for (let age = 0; age < count; age++) {
    weights += weightOf(age);
    meanX -= age * weightOf(age);
    meanY += history[age]! * weightOf(age);
  }
  meanX /= weights;
  meanY /= weights;
  let covariance = 0;
  let variance = 0;
  for (let age = 0; age < count; age++) {
    covariance += weightOf(age) * (-age - meanX) * (history[age]! - meanY);
    variance += weightOf(age) * (-age - meanX) ** 2;
  }
  return meanY + (covariance / variance) * (1 - meanX);
}
