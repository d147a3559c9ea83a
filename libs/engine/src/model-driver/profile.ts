/** How model guests behave; every figure is drawn from the seed, so the same run can be had again. */
export interface ModelProfile {
  /** Start to ready: log-normal, with this median and this spread (sigma of the logarithm). */
  readonly bootMedianMs: number;
  readonly bootSpread: number;
  /** Share of starts whose guest panics instead of becoming ready. */
  readonly bootFailureRatio: number;
  /** Mean rate of sudden deaths of a running guest, exponentially distributed. */
  readonly crashesPerHour: number;
  /** A guest's CPU use swings about a mean of its own; this is the mean of the means, of all its vcpus. */
  readonly utilizationRatio: number;
}

export const modelProfile: ModelProfile = {
  bootMedianMs: 300,
  bootSpread: 0.25,
  bootFailureRatio: 0,
  crashesPerHour: 0,
  utilizationRatio: 0.2,
};

/** A model guest's own figures, drawn once when it starts. */
export interface ModelFate {
  readonly bootDurationMs: number;
  readonly bootFails: boolean;
  /** After ready; Infinity: never. */
  readonly crashAfterMs: number;
  readonly utilizationMean: number;
  readonly utilizationSwing: number;
  readonly swingPhase: number;
}

/** A seeded stream of numbers: uniform in [0, 1), and standard normal. */
export interface ModelRandom {
  next(): number;
  normal(): number;
}

const swingPeriodMs = 600_000;

export function drawFate(profile: ModelProfile, random: ModelRandom): ModelFate {
  const utilizationMean = Math.min(0.95, 2 * profile.utilizationRatio * random.next());
  const rate = profile.crashesPerHour / 3_600_000;
  return {
    bootDurationMs: profile.bootMedianMs * Math.exp(profile.bootSpread * random.normal()),
    bootFails: random.next() < profile.bootFailureRatio,
    crashAfterMs: rate > 0 ? -Math.log(1 - random.next()) / rate : Infinity,
    utilizationMean,
    utilizationSwing: Math.min(utilizationMean, 1 - utilizationMean) * random.next(),
    swingPhase: 2 * Math.PI * random.next(),
  };
}

/** CPU time of one vcpu after `uptimeMs`: the integral of mean + swing x sin. Grows without a timer of its own. */
export function vcpuTimeMs(fate: ModelFate, uptimeMs: number): number {
  const angular = (2 * Math.PI) / swingPeriodMs;
  const swung = Math.cos(fate.swingPhase) - Math.cos(angular * uptimeMs + fate.swingPhase);
  return fate.utilizationMean * uptimeMs + (fate.utilizationSwing / angular) * swung;
}
