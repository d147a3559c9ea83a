import { CapacityGrid, COLUMN, LANE, POOL, RECORD, ROW } from './capacity-grid.js';
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
  /** Of each node, `RECORD` fields. */
  readonly records: Int32Array;
  readonly #grids: (CapacityGrid | undefined)[] = [];
  readonly #fleet: IndexedFleet;

  /** `pool` gives the pool of each node; nodes of one pool are of one size. */
  constructor(fleet: IndexedFleet, pool: Int32Array) {
    this.#fleet = fleet;
    this.records = new Int32Array(fleet.size * RECORD);
    // Lists grow at the head: backwards, so that the fleet's first node is met first.
    for (let node = fleet.size - 1; node >= 0; node--) {
      this.records[node * RECORD + LANE] = OUT;
      this.records[node * RECORD + POOL] = pool[node]!;
      this.update(node);
    }
  }

  gridOf(pool: number, lane: number): CapacityGrid | undefined {
    return this.#grids[pool * LANES + lane];
  }

  /** Puts a node where its free capacity, flags and stay now belong. */
  update(node: number): void {
    const { records } = this;
    const fleet = this.#fleet;
    const { size } = fleet.kinds.at(fleet.kind[node]!);
    const [cpu, memory] = [fleet.free.cpuMillis[node]!, fleet.free.memoryMib[node]!];
    const open = fleet.flags[node] === 0 && cpu >= 0 && memory >= 0;
    const lane = open ? laneOf(fleet, node) : OUT;
    const column = open ? Math.floor(cpu / size.grid.cpuMillisPerColumn) : 0;
    const row = open ? Math.floor(memory / size.grid.memoryMibPerRow) : 0;
    const at = node * RECORD;
    const old = records[at + LANE]!;
    if (lane === old && column === records[at + COLUMN] && row === records[at + ROW]) return;
    const first = records[at + POOL]! * LANES;
    if (old !== OUT) this.#grids[first + old]!.remove(node);
    records[at + LANE] = lane;
    records[at + COLUMN] = column;
    records[at + ROW] = row;
    if (open) (this.#grids[first + lane] ??= new CapacityGrid(size, records)).insert(node);
  }
}

export function laneOf(fleet: IndexedFleet, node: number): number {
  return fleet.residents[node] === 0 ? 0 : 1 + fleet.stay[node]!;
}
