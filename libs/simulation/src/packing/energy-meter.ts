import type { FleetView } from '@berth/scheduling/fleet.js';
import type { PowerCurve } from '../power/curve.js';

const JOULES_PER_KWH = 3.6e6;

/** Energy of nodes in use, with reserved CPU taken as used. Exact: a node's load is level between two bookings. */
export class EnergyMeter {
  readonly #fleet: FleetView;
  readonly #curve: PowerCurve;
  readonly #sinceS: Float64Array;
  #joules = 0;

  constructor(fleet: FleetView, curve: PowerCurve) {
    this.#fleet = fleet;
    this.#curve = curve;
    this.#sinceS = new Float64Array(fleet.size);
  }

  /** Call before a node's load changes. An empty node is off. */
  settle(node: number, nowS: number): void {
    const { allocatable, free, residents } = this.#fleet;
    if (residents[node]! > 0) {
      const utilization = 1 - free.cpuMillis[node]! / allocatable.cpuMillis[node]!;
      this.#joules += this.#curve.wattsAt(utilization) * (nowS - this.#sinceS[node]!);
    }
    this.#sinceS[node] = nowS;
  }

  /** Energy of the whole fleet up to now. */
  kwhAt(nowS: number): number {
    for (let node = 0; node < this.#fleet.size; node++) this.settle(node, nowS);
    return this.#joules / JOULES_PER_KWH;
  }
}
