import {
  BUCKET,
  bucketOf,
  CapacityGrid,
  CPU,
  DISK,
  KIND,
  laneOfBucket,
  MEMORY,
  POOL,
  RECORD,
} from './capacity-grid.js';
import type { KindTable, NodeSize } from './kinds.js';

/** Levels of `FleetView.stay`: 0 = soon empty, 15 = in use for days to come. */
export const STAY_LEVELS = 16;
/** Lane 0 holds empty nodes; lane 1 + s those in use with stay level s. */
export const LANES = STAY_LEVELS + 1;

/** The bucket of a node that takes no placements. */
export const OUT = -1;

/** The columns of a fleet that say where a node belongs. */
export interface IndexedFleet {
  readonly size: number;
  readonly kinds: KindTable;
  readonly kind: Int32Array;
  readonly free: { readonly cpuMillis: Int32Array; readonly memoryMib: Int32Array; readonly diskGib: Int32Array };
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
  /** By pool: a bit for each lane that has ever held a node. */
  readonly lanes: Int32Array;
  readonly #grids: (CapacityGrid | undefined)[] = [];
  readonly #fleet: IndexedFleet;

  /** `pool` gives the pool of each node; nodes of one pool are of one size. */
  constructor(fleet: IndexedFleet, pool: Int32Array) {
    this.#fleet = fleet;
    this.records = new Int32Array(fleet.size * RECORD);
    this.lanes = new Int32Array(fleet.kinds.count);
    // Lists grow at the head: backwards, so that the fleet's first node is met first.
    for (let node = fleet.size - 1; node >= 0; node--) {
      const at = node * RECORD;
      this.records[at + BUCKET] = OUT;
      this.records[at + POOL] = pool[node]!;
      this.records[at + KIND] = fleet.kind[node]!;
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
    const at = node * RECORD;
    const cpu = (records[at + CPU] = fleet.free.cpuMillis[node]!);
    const memory = (records[at + MEMORY] = fleet.free.memoryMib[node]!);
    records[at + DISK] = fleet.free.diskGib[node]!;
    const old = records[at + BUCKET]!;
    const { size } = fleet.kinds.at(records[at + KIND]!);
    let bucket = OUT;
    if (fleet.flags[node] === 0 && cpu >= 0 && memory >= 0) {
      const { cpuMillisPerColumn, memoryMibPerRow } = size.grid;
      bucket = bucketOf(
        laneOf(fleet, node),
        Math.floor(cpu / cpuMillisPerColumn),
        Math.floor(memory / memoryMibPerRow),
      );
    }
    if (bucket === old) return;
    if (old !== OUT) this.#gridAt(node, old, size).remove(node);
    records[at + BUCKET] = bucket;
    if (bucket !== OUT) this.#gridAt(node, bucket, size).insert(node);
  }

  #gridAt(node: number, bucket: number, size: NodeSize): CapacityGrid {
    const [pool, lane] = [this.records[node * RECORD + POOL]!, laneOfBucket(bucket)];
    const known = this.#grids[pool * LANES + lane];
    if (known !== undefined) return known;
    this.lanes[pool]! |= 1 << lane;
    return (this.#grids[pool * LANES + lane] = new CapacityGrid(size, this.records));
  }
}

export function laneOf(fleet: IndexedFleet, node: number): number {
  return fleet.residents[node] === 0 ? 0 : 1 + fleet.stay[node]!;
}
