import { CapacityGrid } from './capacity-grid.js';
import type { KindTable } from './kinds.js';

/** Levels of `FleetView.stay`: 0 = soon empty, 15 = in use for days to come. */
export const STAY_LEVELS = 16;
/** Lane 0 holds empty nodes; lane 1 + s those in use with stay level s. */
export const LANES = STAY_LEVELS + 1;

const OUT = 255;

/** The columns of a fleet that say where a node belongs. */
export interface IndexedFleet {
  readonly size: number;
  readonly kinds: KindTable;
  readonly kind: Int32Array;
  readonly free: { readonly cpuMillis: Int32Array; readonly memoryMib: Int32Array };
  readonly flags: Uint8Array;
  readonly residents: Int32Array;
  readonly stay: Uint8Array;
}

/**
 * Every node that takes placements, by pool, lane and free capacity. Follows each booking in constant time. A pool is a
 * kind of node, or all kinds of one size: one list then serves many kinds, at the price of meeting some not asked for.
 */
export class CapacityIndex {
  /** The node after a node in its list; -1 at the end. */
  readonly next: Int32Array;
  readonly #previous: Int32Array;
  readonly #column: Uint8Array;
  readonly #row: Uint16Array;
  readonly #lane: Uint8Array;
  readonly #pool: Int32Array;
  readonly #grids: (CapacityGrid | undefined)[] = [];
  readonly #fleet: IndexedFleet;

  /** `pool` gives the pool of each node; nodes of one pool are of one size. */
  constructor(fleet: IndexedFleet, pool: Int32Array) {
    this.#fleet = fleet;
    this.#pool = pool;
    this.next = new Int32Array(fleet.size);
    this.#previous = new Int32Array(fleet.size);
    this.#column = new Uint8Array(fleet.size);
    this.#row = new Uint16Array(fleet.size);
    this.#lane = new Uint8Array(fleet.size).fill(OUT);
    // Lists grow at the head: backwards, so that the fleet's first node is met first.
    for (let node = fleet.size - 1; node >= 0; node--) this.update(node);
  }

  gridOf(pool: number, lane: number): CapacityGrid | undefined {
    return this.#grids[pool * LANES + lane];
  }

  /** Puts a node where its free capacity, flags and stay now belong. */
  update(node: number): void {
    const fleet = this.#fleet;
    const { size } = fleet.kinds.at(fleet.kind[node]!);
    const [cpu, memory] = [fleet.free.cpuMillis[node]!, fleet.free.memoryMib[node]!];
    const open = fleet.flags[node] === 0 && cpu >= 0 && memory >= 0;
    const lane = open ? laneOf(fleet, node) : OUT;
    const column = open ? Math.floor(cpu / size.grid.cpuMillisPerColumn) : 0;
    const row = open ? Math.floor(memory / size.grid.memoryMibPerRow) : 0;
    const old = this.#lane[node]!;
    if (lane === old && column === this.#column[node] && row === this.#row[node]) return;
    const pool = this.#pool[node]!;
    if (old !== OUT) this.gridOf(pool, old)!.remove(node, this.#column[node]!, this.#row[node]!);
    this.#lane[node] = lane;
    this.#column[node] = column;
    this.#row[node] = row;
    if (!open) return;
    const grid = (this.#grids[pool * LANES + lane] ??= new CapacityGrid(size, this.next, this.#previous));
    grid.insert(node, column, row);
  }
}

export function laneOf(fleet: IndexedFleet, node: number): number {
  return fleet.residents[node] === 0 ? 0 : 1 + fleet.stay[node]!;
}
