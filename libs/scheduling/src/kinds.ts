import { gridShape } from './grid-shape.js';
import type { GridShape } from './grid-shape.js';

/** What all nodes of one size have in common. */
export interface NodeSize {
  readonly index: number;
  /** One unit as a share of allocatable. */
  readonly sharePerCpuMilli: number;
  readonly sharePerMemoryMib: number;
  /** Watts at full load for each CPU of the node; 0 when unknown. */
  readonly wattsPerCpu: number;
  readonly grid: GridShape;
}

/** What nodes of one kind have in common; all that a placement asks of a node, but for what is on it and its rack. */
export interface Kind {
  readonly trait: number;
  readonly zone: number;
  readonly size: NodeSize;
}

/** Interns kinds and sizes of node. */
export class KindTable {
  readonly #byKey = new Map<string, number>();
  readonly #kinds: Kind[] = [];
  readonly #sizeByKey = new Map<string, NodeSize>();
  readonly sizes: NodeSize[] = [];
  /** Of the sizes that state their watts, the most frugal; 0 when none does. */
  leastWattsPerCpu = 0;

  get count(): number {
    return this.#kinds.length;
  }

  at(index: number): Kind {
    return this.#kinds[index]!;
  }

  intern(trait: number, zone: number, size: NodeSize): number {
    const key = `${trait} ${zone} ${size.index}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#kinds.push({ trait, zone, size });
    this.#byKey.set(key, this.#kinds.length - 1);
    return this.#kinds.length - 1;
  }

  internSize(cpuMillis: number, memoryMib: number, wattsPerCpu: number): NodeSize {
    const key = `${cpuMillis} ${memoryMib} ${wattsPerCpu}`;
    const known = this.#sizeByKey.get(key);
    if (known !== undefined) return known;
    const [sharePerCpuMilli, sharePerMemoryMib] = [1 / Math.max(1, cpuMillis), 1 / Math.max(1, memoryMib)];
    const grid = gridShape(cpuMillis, memoryMib);
    const size = { index: this.sizes.length, sharePerCpuMilli, sharePerMemoryMib, wattsPerCpu, grid };
    this.sizes.push(size);
    this.#sizeByKey.set(key, size);
    if (wattsPerCpu > 0 && (this.leastWattsPerCpu === 0 || wattsPerCpu < this.leastWattsPerCpu)) {
      this.leastWattsPerCpu = wattsPerCpu;
    }
    return size;
  }
}
