import { gridShape } from './capacity-grid.js';
import type { GridShape } from './capacity-grid.js';

/** What nodes of one kind have in common; all that a placement asks of a node, but for what is on it. */
export interface Kind {
  readonly trait: number;
  readonly zone: number;
  /** One unit as a share of allocatable. */
  readonly sharePerCpuMilli: number;
  readonly sharePerMemoryMib: number;
  /** Watts at full load for each CPU of the node; 0 when unknown. */
  readonly wattsPerCpu: number;
  readonly grid: GridShape;
}

/** Interns kinds of node. */
export class KindTable {
  readonly #byKey = new Map<string, number>();
  readonly #kinds: Kind[] = [];
  /** Of the kinds that state their watts, the most frugal; 0 when none does. */
  leastWattsPerCpu = 0;

  get size(): number {
    return this.#kinds.length;
  }

  at(index: number): Kind {
    return this.#kinds[index]!;
  }

  intern(trait: number, zone: number, cpuMillis: number, memoryMib: number, wattsPerCpu: number): number {
    const key = `${trait} ${zone} ${cpuMillis} ${memoryMib} ${wattsPerCpu}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const grid = gridShape(cpuMillis, memoryMib);
    const [sharePerCpuMilli, sharePerMemoryMib] = [1 / Math.max(1, cpuMillis), 1 / Math.max(1, memoryMib)];
    this.#kinds.push({ trait, zone, sharePerCpuMilli, sharePerMemoryMib, wattsPerCpu, grid });
    this.#byKey.set(key, this.#kinds.length - 1);
    if (wattsPerCpu > 0 && (this.leastWattsPerCpu === 0 || wattsPerCpu < this.leastWattsPerCpu)) {
      this.leastWattsPerCpu = wattsPerCpu;
    }
    return this.#kinds.length - 1;
  }
}
