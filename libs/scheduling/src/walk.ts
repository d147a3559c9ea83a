import { LANES, OUT } from './capacity-index.js';
import type { CapacityIndex } from './capacity-index.js';
import {
  BUCKET,
  columnOfBucket,
  CPU,
  DISK,
  KIND,
  laneOfBucket,
  MEMORY,
  NEXT,
  POOL,
  RECORD,
  rowOfBucket,
} from './capacity-grid.js';
import type { CapacityGrid } from './capacity-grid.js';
import { Eligibility } from './eligibility.js';
import type { Eligible, Pools } from './eligibility.js';
import type { Filter } from './filter.js';
import type { FleetView } from './fleet.js';
import type { NodeSize } from './kinds.js';
import { weigh } from './policy.js';
import type { Policy, WeightedScorer } from './policy.js';
import { newProspect, setAsked, setColumn, setLane, setRow } from './prospect.js';
import type { Constraints, PlacementRequest } from './request.js';

const noConstraints: Constraints = {};

/** A walk through pools that hold many kinds is given up after meeting so many nodes that are not asked for. */
const STRAYS_MAX = 64;
const ANY_STRAYS = 2 ** 31 - 1;

/**
 * Finds a node of the highest score by branch and bound over the buckets of the index. The cost does not grow with the
 * fleet: a bucket that cannot beat the best so far is never opened, and nodes of one bucket score the same. One object
 * per policy; it keeps scratch space, so that a decision allocates nothing.
 */
export class IndexWalk {
  readonly policy: Policy;
  readonly #eligibility: Eligibility;
  readonly #groupFilters: readonly Filter[];
  readonly #zoneFilters: readonly Filter[];
  readonly #onShape: readonly WeightedScorer[];
  /** The scorers on fit, added up: what nothing left over scores, and what each share left over costs. */
  readonly #fitMost: number;
  readonly #cpuPrice: number;
  readonly #memoryPrice: number;
  /** The most that the scorers on shape can add. */
  readonly #shapeMost: number;
  /** The most that a node can score in each lane, and the lanes in order of that. */
  readonly #laneMost: Float64Array;
  readonly #laneOrder: Uint8Array;
  readonly #prospect = newProspect();
  /** The amounts of the request at hand. Callers' objects have many forms; in the inner loops one form is faster. */
  readonly #asked = { cpuMillis: 0, memoryMib: 0, diskGib: 0 };
  #allowed: Uint8Array = new Uint8Array(0);
  #records: Int32Array = new Int32Array(0);
  #strays = 0;
  #index: CapacityIndex | undefined;
  #pools: Pools | undefined;
  #best = -1;
  #bestScore = -Infinity;
  /** The bucket of the best, the fleet's revision when it was chosen, and what was eligible; not of a group. */
  #bucket = OUT;
  #revision = -1;
  #answered: Eligible | undefined;

  constructor(policy: Policy) {
    this.policy = policy;
    this.#eligibility = new Eligibility(policy);
    this.#groupFilters = policy.filters.filter(({ stage }) => stage === 'group');
    this.#zoneFilters = this.#groupFilters.filter((filter) => 'admitsZone' in filter);
    this.#onShape = policy.scorers.filter(({ scorer }) => scorer.on === 'shape');
    this.#shapeMost = this.#onShape.reduce((sum, { weight }) => sum + weight, 0);
    [this.#fitMost, this.#cpuPrice, this.#memoryPrice] = [0, 0, 0];
    for (const { scorer, weight } of policy.scorers) {
      if (scorer.on !== 'fit') continue;
      this.#fitMost += weight;
      this.#cpuPrice += weight * scorer.cpuPrice;
      this.#memoryPrice += weight * scorer.memoryPrice;
    }
    const onNode = policy.scorers.filter(({ scorer }) => scorer.on === 'node');
    const ideal = newProspect();
    this.#laneMost = Float64Array.from({ length: LANES }, (_, lane) => {
      setLane(ideal, lane);
      return weigh(onNode, ideal) + this.#fitMost + this.#shapeMost;
    });
    const byMost = (a: number, b: number): number => this.#laneMost[b]! - this.#laneMost[a]! || b - a;
    this.#laneOrder = Uint8Array.from(this.#laneMost.keys()).sort(byMost);
  }

  /** -1 when no node passes every filter. */
  choose(fleet: FleetView, request: PlacementRequest): number {
    const eligible = this.#eligibility.of(fleet, request.constraints ?? noConstraints);
    if (!this.#repeats(fleet, request, eligible) || !this.#chooseAgain(fleet, request)) {
      this.#chooseAfresh(fleet, request, eligible);
      this.#answered = request.group === undefined && this.#best >= 0 ? eligible : undefined;
      if (this.#best >= 0) this.#bucket = this.#index!.records[this.#best * RECORD + BUCKET]!;
    }
    this.#revision = fleet.revision;
    return this.#best;
  }

  /** Whether the last answer was to the same request, and nothing has changed since but the node it named. */
  #repeats(fleet: FleetView, request: PlacementRequest, eligible: Eligible): boolean {
    return (
      eligible === this.#answered &&
      request.group === undefined &&
      fleet.revision === this.#revision + 1 &&
      fleet.lastChanged === this.#best &&
      request.cpuMillis === this.#asked.cpuMillis &&
      request.memoryMib === this.#asked.memoryMib &&
      request.diskGib === this.#asked.diskGib
    );
  }

  /**
   * No other node can beat the last score, so the same node is best if it has not lost by its new load; otherwise
   * another of its old bucket, if any takes the request, for that has the last score. So a batch needs few searches.
   */
  #chooseAgain(fleet: FleetView, request: PlacementRequest): boolean {
    const [index, node] = [this.#index!, this.#best];
    const pool = index.records[node * RECORD + POOL]!;
    const grid = index.gridOf(pool, laneOfBucket(this.#bucket))!;
    const bucket = index.records[node * RECORD + BUCKET]!;
    if (bucket !== OUT && this.#fits(node)) {
      const base = this.#pools!.base[this.#pools!.ids.indexOf(pool) * LANES + laneOfBucket(bucket)]!;
      const score = this.#score(grid.size, base, columnOfBucket(bucket), rowOfBucket(bucket));
      if (score >= this.#bestScore) {
        this.#bestScore = score;
        this.#bucket = bucket;
        return true;
      }
    }
    this.#strays = STRAYS_MAX;
    const other = this.#firstIn(fleet, request, grid.headAt(columnOfBucket(this.#bucket), rowOfBucket(this.#bucket)));
    if (other < 0) return false;
    this.#best = other;
    return true;
  }

  /**
   * Many kinds of few sizes are searched by size first, unless too many strays come in between; by kind there are none,
   * and the answer is as good.
   */
  #chooseAfresh(fleet: FleetView, request: PlacementRequest, { kinds, sizes, allowed }: Eligible): void {
    this.#allowed = allowed;
    this.#asked.cpuMillis = request.cpuMillis;
    this.#asked.memoryMib = request.memoryMib;
    this.#asked.diskGib = request.diskGib;
    if (kinds.ids.length > 2 * sizes.ids.length) {
      this.#strays = STRAYS_MAX;
      this.#search(fleet, request, fleet.bySize, sizes);
      if (this.#strays >= 0) return;
    }
    this.#strays = ANY_STRAYS;
    this.#search(fleet, request, fleet.byKind, kinds);
  }

  #search(fleet: FleetView, request: PlacementRequest, index: CapacityIndex, pools: Pools): void {
    const { ids, base } = pools;
    this.#index = index;
    this.#pools = pools;
    this.#records = index.records;
    this.#best = -1;
    this.#bestScore = -Infinity;
    let lanes = 0;
    for (let i = 0; i < ids.length; i++) lanes |= index.lanes[ids[i]!]!;
    for (let at = 0; at < LANES; at++) {
      const lane = this.#laneOrder[at]!;
      if ((lanes & (1 << lane)) === 0) continue;
      if (this.#laneMost[lane]! <= this.#bestScore) return;
      for (let i = 0; i < ids.length; i++) {
        const grid = index.gridOf(ids[i]!, lane);
        if (grid === undefined) continue;
        if (index === fleet.byKind && !this.#zoneOpen(fleet, request, ids[i]!)) continue;
        this.#searchGrid(fleet, request, grid, base[i * LANES + lane]!);
        if (this.#strays < 0) return;
      }
    }
  }

  #searchGrid(fleet: FleetView, request: PlacementRequest, grid: CapacityGrid, base: number): void {
    const { size } = grid;
    const firstRow = Math.floor(this.#asked.memoryMib / size.grid.memoryMibPerRow);
    const rowsPerScore = 1 / (this.#memoryPrice * size.sharePerMemoryMib * size.grid.memoryMibPerRow);
    let column = grid.columnFrom(Math.floor(this.#asked.cpuMillis / size.grid.cpuMillisPerColumn));
    for (; column >= 0; column = grid.columnFrom(column + 1)) {
      const cpuCost = this.#cpuCost(size, column);
      const lead = base + (this.#fitMost - cpuCost) + this.#shapeMost - this.#bestScore;
      if (lead <= 0) return;
      // What memory is left over beyond these rows costs more than the lead.
      const endRow = firstRow + 2 + lead * rowsPerScore;
      for (let row = grid.rowFrom(column, firstRow, endRow); row >= 0; row = grid.rowFrom(column, row + 1, endRow)) {
        const fit = base + (this.#fitMost - (cpuCost + this.#memoryCost(size, row)));
        if (fit + this.#shapeMost <= this.#bestScore) break;
        const score = this.#onShape.length === 0 ? fit : fit + this.#shapeScore(size, column, row);
        if (score <= this.#bestScore) continue;
        const node = this.#firstIn(fleet, request, grid.headAt(column, row));
        if (this.#strays < 0) return;
        if (node < 0) continue;
        this.#best = node;
        this.#bestScore = score;
      }
    }
  }

  #score(size: NodeSize, base: number, column: number, row: number): number {
    const fit = base + (this.#fitMost - (this.#cpuCost(size, column) + this.#memoryCost(size, row)));
    return this.#onShape.length === 0 ? fit : fit + this.#shapeScore(size, column, row);
  }

  /** What the share of CPU costs that is left in a bucket; within the first that could do, as little as nothing. */
  #cpuCost({ grid, sharePerCpuMilli }: NodeSize, column: number): number {
    const left = column * grid.cpuMillisPerColumn - this.#asked.cpuMillis;
    return left > 0 ? this.#cpuPrice * (left * sharePerCpuMilli) : 0;
  }

  #memoryCost({ grid, sharePerMemoryMib }: NodeSize, row: number): number {
    const left = row * grid.memoryMibPerRow - this.#asked.memoryMib;
    return left > 0 ? this.#memoryPrice * (left * sharePerMemoryMib) : 0;
  }

  #shapeScore(size: NodeSize, column: number, row: number): number {
    setAsked(this.#prospect, this.#asked, size);
    setColumn(this.#prospect, this.#asked, size, column);
    setRow(this.#prospect, this.#asked, size, row);
    return weigh(this.#onShape, this.#prospect);
  }

  /** The first node of a bucket that takes the request; -1 when none does, or strays are too many. */
  #firstIn(fleet: FleetView, request: PlacementRequest, head: number): number {
    const records = this.#records;
    for (let node = head; node >= 0; node = records[node * RECORD + NEXT]!) {
      if (!this.#fits(node)) continue;
      if (this.#allowed[records[node * RECORD + KIND]!] === 1 && this.#joins(fleet, request, node)) return node;
      this.#strays -= 1;
      if (this.#strays < 0) return -1;
    }
    return -1;
  }

  #fits(node: number): boolean {
    const [{ cpuMillis, memoryMib, diskGib }, records, at] = [this.#asked, this.#records, node * RECORD];
    return cpuMillis <= records[at + CPU]! && memoryMib <= records[at + MEMORY]! && diskGib <= records[at + DISK]!;
  }

  #joins(fleet: FleetView, request: PlacementRequest, node: number): boolean {
    if (request.group === undefined) return true;
    for (const filter of this.#groupFilters) if (!filter.admits(fleet, request, node)) return false;
    return true;
  }

  #zoneOpen(fleet: FleetView, request: PlacementRequest, kind: number): boolean {
    if (request.group === undefined) return true;
    const { zone } = fleet.kinds.at(kind);
    for (const filter of this.#zoneFilters) if (filter.admitsZone?.(fleet, request, zone) === false) return false;
    return true;
  }
}
