/**
 * Watts of a node at a utilization of 0 to 1: straight lines between evenly spaced points. Above 1 a node draws what
 * it draws at 1. SPECpower_ssj2008 publishes eleven points (idle, 10 %, ..., 100 %); two points make a linear model.
 */
export class PowerCurve {
  /** Integral of watts over utilization, from 0 to each point. */
  private readonly areas: Float64Array;

  constructor(readonly watts: readonly number[]) {
    if (watts.length < 2) throw new RangeError('a power curve needs two points or more');
    if (watts.some((value, i) => !(value >= (i === 0 ? 0 : watts[i - 1]!)))) {
      throw new RangeError('the watts of a power curve must not fall with utilization');
    }
    this.areas = new Float64Array(watts.length);
    const step = 1 / (watts.length - 1);
    for (let i = 1; i < watts.length; i++) {
      this.areas[i] = this.areas[i - 1]! + ((watts[i - 1]! + watts[i]!) / 2) * step;
    }
  }

  get idleWatts(): number {
    return this.watts[0]!;
  }

  get peakWatts(): number {
    return this.watts.at(-1)!;
  }

  wattsAt(utilization: number): number {
    const { watts } = this;
    const position = Math.max(0, utilization) * (watts.length - 1);
    const below = Math.floor(position);
    if (below >= watts.length - 1) return this.peakWatts;
    return watts[below]! + (watts[below + 1]! - watts[below]!) * (position - below);
  }

  /** Exact energy while utilization goes from one value to another in a straight line. */
  joules(from: number, to: number, seconds: number): number {
    const change = to - from;
    // Nearly level: the quotient below would lose its digits, and the middle is then exact enough.
    if (Math.abs(change) < 1e-7) return this.wattsAt((from + to) / 2) * seconds;
    return ((this.areaTo(to) - this.areaTo(from)) / change) * seconds;
  }

  private areaTo(utilization: number): number {
    const { watts, areas } = this;
    const top = watts.length - 1;
    const at = Math.max(0, utilization);
    if (at >= 1) return areas[top]! + (at - 1) * this.peakWatts;
    const below = Math.floor(at * top);
    const rest = at - below / top;
    return areas[below]! + rest * watts[below]! + ((rest * rest) / 2) * (watts[below + 1]! - watts[below]!) * top;
  }
}
