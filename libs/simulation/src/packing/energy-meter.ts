import type { FleetView } from '@berth/scheduling/fleet.js';
import type { PowerCurve } from '../power/curve.js';

const JOULES_PER_KWH = 3.6e6;
/** Two numbers for each node, side by side: when it was last settled, and `joulesPerCpuMilli` then. */
const FIELDS = 2;

/** Energy, and who it was for. The parts sum to the whole. */
export interface EnergyShares {
  readonly energyKwh: number;
  /** By project: for its CPU, and for the memory it had reserved. */
  readonly projectJoules: Float64Array;
  /** Drawn idle for memory that nobody had reserved. */
  readonly unallocatedJoules: number;
  /** By project: reserved memory and time. */
  readonly projectMibSeconds: Float64Array;
}

/**
 * Energy of nodes in use, with reserved CPU taken as used. Exact: a node's load is level between two bookings. What a
 * node draws idle is charged by reserved memory, the rest by CPU. A node keeps count of what it has drawn for each
 * milli-CPU so far, so an instance owes the difference between its last and its first moment there, and no booking has
 * to look at the other instances of the node. All nodes are of one size.
 */
export class EnergyMeter {
  readonly #fleet: FleetView;
  readonly #curve: PowerCurve;
  readonly #state: Float64Array;
  readonly #cpuJoules: Float64Array;
  readonly #mibSeconds: Float64Array;
  #joules = 0;
  #freeMibSeconds = 0;

  constructor(fleet: FleetView, curve: PowerCurve, projects: number) {
    this.#fleet = fleet;
    this.#curve = curve;
    this.#state = new Float64Array(fleet.size * FIELDS);
    this.#cpuJoules = new Float64Array(projects);
    this.#mibSeconds = new Float64Array(projects);
  }

  /** Call before a node's load changes. An empty node is off. */
  settle(node: number, nowS: number): void {
    const { allocatable, free, residents } = this.#fleet;
    const at = node * FIELDS;
    const seconds = nowS - this.#state[at]!;
    if (seconds === 0) return;
    if (residents[node]! > 0) {
      const [size, unused] = [allocatable.cpuMillis[node]!, free.cpuMillis[node]!];
      const watts = this.#curve.wattsAt(1 - unused / size);
      this.#joules += watts * seconds;
      this.#state[at + 1]! += ((watts - this.#curve.idleWatts) * seconds) / (size - unused);
      this.#freeMibSeconds += free.memoryMib[node]! * seconds;
    }
    this.#state[at] = nowS;
  }

  /** What a node has drawn for each milli-CPU in use, idle apart, when it was last settled. */
  joulesPerCpuMilli(node: number): number {
    return this.#state[node * FIELDS + 1]!;
  }

  /** An instance leaves a settled node, which it came to at `sinceJoules`. */
  chargeCpu(project: number, cpuMillis: number, node: number, sinceJoules: number): void {
    this.#cpuJoules[project]! += cpuMillis * (this.joulesPerCpuMilli(node) - sinceJoules);
  }

  /** An instance has ended. */
  chargeMemory(project: number, memoryMib: number, seconds: number): void {
    this.#mibSeconds[project]! += memoryMib * seconds;
  }

  /** Once every node is settled and every instance is charged. */
  shares(): EnergyShares {
    const idlePerMib = this.#curve.idleWatts / this.#fleet.allocatable.memoryMib[0]!;
    return {
      energyKwh: this.#joules / JOULES_PER_KWH,
      projectJoules: this.#cpuJoules.map((joules, project) => joules + idlePerMib * this.#mibSeconds[project]!),
      unallocatedJoules: idlePerMib * this.#freeMibSeconds,
      projectMibSeconds: this.#mibSeconds,
    };
  }
}
