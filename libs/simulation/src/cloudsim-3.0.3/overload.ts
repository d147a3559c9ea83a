import { interquartileRange, medianAbsoluteDeviation } from '@berth/scheduling/consolidation/statistics.js';
import type { Host } from './host.js';
import { HISTORY_LENGTH, INTERVAL_S, migrationSeconds } from './setup.js';
import type { Vm } from './vm.js';

/** Is the host overloaded, or would it be with one more VM? */
export type OverloadRule = (host: Host, extra?: Vm) => boolean;

/** Every learning rule falls back to this bound while it has too few samples. */
const FALLBACK_SHARE = 0.7;
const REGRESSION_SAMPLES = 10;
const DEVIATION_SAMPLES = 12;

export function threshold(bound: number): OverloadRule {
  return (host, extra) => requestedShare(host, extra) > bound;
}

export function medianDeviation(safety: number): OverloadRule {
  return learning(DEVIATION_SAMPLES, (history, length, host, extra) => {
    return requestedShare(host, extra) > 1 - safety * medianAbsoluteDeviation(history, length);
  });
}

export function interquartile(safety: number): OverloadRule {
  return learning(DEVIATION_SAMPLES, (history, length, host, extra) => {
    return requestedShare(host, extra) > 1 - safety * interquartileRange(history, length);
  });
}

/** The host would be full, times the safety, once its longest migration were over. */
export function localRegression(safety: number): OverloadRule {
  return learning(REGRESSION_SAMPLES, (history, _length, host, extra) => {
    let longestS = extra === undefined ? 0 : migrationSeconds(extra.kind, host.kind);
    for (const vm of host.vms) longestS = Math.max(longestS, migrationSeconds(vm.kind, host.kind));
    return extrapolate(history, REGRESSION_SAMPLES, Math.ceil(longestS / INTERVAL_S)) * safety >= 1;
  });
}

/** The judge may overwrite the history it is given. */
function learning(
  samples: number,
  judge: (history: Float64Array, length: number, host: Host, extra: Vm | undefined) => boolean,
): OverloadRule {
  const fallback = threshold(FALLBACK_SHARE);
  const history = new Float64Array(HISTORY_LENGTH);
  return (host, extra) => {
    history.set(host.history());
    extra?.addHistory(history, host.totalMips);
    let length = HISTORY_LENGTH;
    while (length > 0 && history[length - 1] === 0) length--;
    return length < samples ? fallback(host, extra) : judge(history, length, host, extra);
  };
}

function requestedShare(host: Host, extra: Vm | undefined): number {
  let requested = 0;
  for (const vm of host.vms) requested += vm.requestedMips;
  if (extra !== undefined) requested += extra.requestedMips;
  return requested / host.totalMips;
}

/**
 * Ordinary least squares through the values, newest first: the estimate `ahead` steps after the newest.
 * The original means to weight the newest samples most, but its weights are never applied.
 */
function extrapolate(values: Float64Array, length: number, ahead: number): number {
  const middle = (length + 1) / 2;
  let mean = 0;
  let covariance = 0;
  let variance = 0;
  for (let x = 1; x <= length; x++) {
    const value = values[length - x] as number;
    mean += value / length;
    covariance += (x - middle) * value;
    variance += (x - middle) ** 2;
  }
  return mean + (covariance / variance) * (length + ahead - middle);
}
