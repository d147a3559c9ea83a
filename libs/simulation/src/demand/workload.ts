/** One instance of a workload: when it exists and how much CPU it asks for. */
export interface InstanceTrace {
  readonly id: string;
  readonly project: string;
  /** What it may use at most. */
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly startS: number;
  /** Infinity: it outlives the run. */
  readonly endS: number;
  /** Demand as shares of `cpuMillis`, one each `sampleS` from time zero; straight lines in between. */
  readonly shares: Float32Array;
}

export interface Workload {
  readonly name: string;
  readonly sampleS: number;
  readonly durationS: number;
  readonly instances: readonly InstanceTrace[];
  readonly rejections: readonly Rejection[];
}

/** Why rows of a trace are not part of the workload; every row is either in it or counted here. */
export interface Rejection {
  readonly reason: string;
  readonly rows: number;
  /** The first of them. */
  readonly example: string;
}

/** Demand in milli-CPU at sample `index`; the last sample holds. */
export function demandAt(instance: InstanceTrace, index: number): number {
  const { shares, cpuMillis } = instance;
  return shares[Math.min(index, shares.length - 1)]! * cpuMillis;
}

/** Integral of all demand over the run, in milli-CPU seconds. */
export function totalDemand({ instances, sampleS, durationS }: Workload): number {
  let total = 0;
  for (const instance of instances) {
    const untilS = Math.min(instance.endS, durationS);
    for (let fromS = instance.startS; fromS < untilS;) {
      const index = Math.floor(fromS / sampleS + 1e-9);
      const toS = Math.min((index + 1) * sampleS, untilS);
      const from = demandAt(instance, index);
      const slope = (demandAt(instance, index + 1) - from) / sampleS;
      const middle = from + slope * ((fromS + toS) / 2 - index * sampleS);
      total += middle * (toS - fromS);
      fromS = toS;
    }
  }
  return total;
}
