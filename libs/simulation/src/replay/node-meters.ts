import type { Fleet } from '../fleet/fleet.js';

export const powerStates = { off: 0, starting: 1, on: 2 } as const;

/** Energy of a node between two changes, for whoever attributes it. */
export type Segment = (node: number, idleJoules: number, dynamicJoules: number, fromS: number, toS: number) => void;

/**
 * What each node draws and serves, integrated exactly: between two changes its load is a straight line, so energy
 * and time in overload have closed forms. Call `advance` before anything about a node changes.
 */
export class NodeMeters {
  readonly load: Float64Array;
  readonly slope: Float64Array;
  readonly powerState: Uint8Array;
  /** Moves that leave the node now. */
  readonly leaving: Int32Array;
  readonly residents: Int32Array;
  joules = 0;
  /** Time in which nodes carry instances, are in overload, and are in overload or serve a move's source. */
  activeS = 0;
  overloadS = 0;
  degradedS = 0;
  /** Milli-CPU seconds asked for and not given for want of capacity. */
  unserved = 0;
  poweredS = 0;
  private readonly lastS: Float64Array;

  constructor(
    private readonly fleet: Fleet,
    private readonly onSegment: Segment,
  ) {
    const size = fleet.nodes.length;
    this.load = new Float64Array(size);
    this.slope = new Float64Array(size);
    this.lastS = new Float64Array(size);
    this.powerState = new Uint8Array(size);
    this.leaving = new Int32Array(size);
    this.residents = new Int32Array(size);
  }

  loadAt(node: number, timeS: number): number {
    return this.load[node]! + this.slope[node]! * (timeS - this.lastS[node]!);
  }

  wattsAt(node: number, timeS: number): number {
    const kind = this.fleet.nodes[node]!;
    if (this.powerState[node] === powerStates.off) return kind.standbyWatts;
    if (this.powerState[node] === powerStates.starting) return kind.power.peakWatts;
    return kind.power.wattsAt(this.loadAt(node, timeS) / kind.cpuMillis);
  }

  /** Joules so far, up to a time no later than the next change. Changes nothing. */
  joulesAt(timeS: number): number {
    let joules = this.joules;
    for (let node = 0; node < this.lastS.length; node++) joules += this.joulesOf(node, timeS);
    return joules;
  }

  /** Node time so far in which nodes carry instances, and of it in overload. Changes nothing. */
  serviceAt(timeS: number): { activeS: number; overloadS: number } {
    let { activeS, overloadS } = this;
    for (let node = 0; node < this.lastS.length; node++) {
      if (this.residents[node] === 0) continue;
      const seconds = timeS - this.lastS[node]!;
      activeS += seconds;
      overloadS += this.overloadOver(node, this.load[node]!, this.loadAt(node, timeS), seconds).overloadS;
    }
    return { activeS, overloadS };
  }

  advance(node: number, timeS: number): void {
    const fromS = this.lastS[node]!;
    if (timeS <= fromS) return;
    const seconds = timeS - fromS;
    const joules = this.joulesOf(node, timeS);
    this.joules += joules;
    if (this.powerState[node] !== powerStates.off) this.poweredS += seconds;
    const isOn = this.powerState[node] === powerStates.on;
    const idle = isOn ? Math.min(joules, this.fleet.nodes[node]!.power.idleWatts * seconds) : joules;
    if (joules > 0) this.onSegment(node, idle, joules - idle, fromS, timeS);
    const end = this.loadAt(node, timeS);
    if (isOn && this.residents[node]! > 0) this.bookService(node, this.load[node]!, end, seconds);
    this.load[node] = end;
    this.lastS[node] = timeS;
  }

  /** After `advance`: the load and its slope from here on. */
  set(node: number, load: number, slope: number): void {
    this.load[node] = load;
    this.slope[node] = slope;
  }

  private joulesOf(node: number, timeS: number): number {
    const kind = this.fleet.nodes[node]!;
    const seconds = timeS - this.lastS[node]!;
    if (this.powerState[node] === powerStates.off) return kind.standbyWatts * seconds;
    if (this.powerState[node] === powerStates.starting) return kind.power.peakWatts * seconds;
    return kind.power.joules(this.load[node]! / kind.cpuMillis, this.loadAt(node, timeS) / kind.cpuMillis, seconds);
  }

  private bookService(node: number, from: number, to: number, seconds: number): void {
    const { overloadS, unserved } = this.overloadOver(node, from, to, seconds);
    this.activeS += seconds;
    this.overloadS += overloadS;
    this.unserved += unserved;
    this.degradedS += this.leaving[node]! > 0 ? seconds : overloadS;
  }

  private overloadOver(node: number, from: number, to: number, seconds: number) {
    const capacity = this.fleet.nodes[node]!.cpuMillis * (1 + ROUNDING);
    const [low, high] = from < to ? [from, to] : [to, from];
    if (high <= capacity) return { overloadS: 0, unserved: 0 };
    if (low > capacity) return { overloadS: seconds, unserved: ((low + high) / 2 - capacity) * seconds };
    const overloadS = (seconds * (high - capacity)) / (high - low);
    return { overloadS, unserved: ((high - capacity) / 2) * overloadS };
  }
}

/** Sums of demand carry rounding; a node filled to the brim is not in overload. */
const ROUNDING = 1e-9;
