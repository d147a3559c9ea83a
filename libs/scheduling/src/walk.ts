import { LANES } from './capacity-index.js';
import type { CapacityIndex } from './capacity-index.js';
import { CPU, DISK, KIND, MEMORY, NEXT, RECORD } from './capacity-grid.js';
import type { CapacityGrid } from './capacity-grid.js';
import type { Filter } from './filter.js';
import type { FleetView } from './fleet.js';
import type { NodeSize } from './kinds.js';
import { weigh } from './policy.js';
import type { Policy, WeightedScorer } from './policy.js';
import { newProspect, setAsked, setColumn, setNode, setLane, setRow } from './prospect.js';
import type { Constraints, PlacementRequest } from './request.js';
import type { Scorer } from './scorer.js';

const noConstraints: Constraints = {};

/** A walk through pools that hold many kinds is given up after meeting so many nodes that are not asked for. */
const STRAYS_MAX = 64;

/** Pools of an index to be searched, and what their nodes score in each lane whatever is left on them. */
interface Pools {
  readonly ids: Int32Array;
  readonly base: Float64Array;
}

/** What constraints allow: kinds, and the sizes these come in. */
interface Eligible {
  readonly kinds: Pools;
  readonly sizes: Pools;
  /** By kind: 1 when it is allowed. */
  readonly allowed: Uint8Array;
}

/**
 * Finds a node of the highest score by branch and bound over the buckets of the index. The cost does not grow with the
 * fleet: a bucket that cannot beat the best so far is never opened, and nodes of one bucket score the same. One object
 * per policy; it keeps scratch space, so that a decision allocates nothing.
 */
export class IndexWalk {
  readonly policy: Policy;
  readonly #groupFilters: readonly Filter[];
  readonly #zoneFilters: readonly Filter[];
  readonly #onNode: readonly WeightedScorer[];
  readonly #onFit: readonly WeightedScorer[];
  readonly #onShape: readonly WeightedScorer[];
  /** The most that the scorers which ask what is left can add: all of them, and those on shape alone. */
  readonly #leftoverMost: number;
  readonly #shapeMost: number;
  /** The most that a node can score in each lane, and the lanes in order of that. */
  readonly #laneMost: Float64Array;
  readonly #laneOrder: Uint8Array;
  readonly #prospect = newProspect();
  /** The amounts of the request at hand. Callers' objects have many forms; in the inner loops one form is faster. */
  readonly #asked = { cpuMillis: 0, memoryMib: 0, diskGib: 0 };
  /** What constraints allow in the fleet last asked about. */
  #fleet: FleetView | undefined;
  #known = new WeakMap<Constraints, Eligible>();
  #lastConstraints: Constraints | undefined;
  #lastEligible: Eligible | undefined;
  #allowed: Uint8Array = new Uint8Array(0);
  #records: Int32Array = new Int32Array(0);
  #strays = 0;
  #best = -1;
  #bestScore = -Infinity;

  constructor(policy: Policy) {
    this.policy = policy;
    this.#groupFilters = policy.filters.filter(({ stage }) => stage === 'group');
    this.#zoneFilters = this.#groupFilters.filter((filter) => 'admitsZone' in filter);
    const on = (what: Scorer['on']): WeightedScorer[] => policy.scorers.filter(({ scorer }) => scorer.on === what);
    [this.#onNode, this.#onFit, this.#onShape] = [on('node'), on('fit'), on('shape')];
    this.#shapeMost = this.#onShape.reduce((sum, { weight }) => sum + weight, 0);
    this.#leftoverMost = this.#onFit.reduce((sum, { weight }) => sum + weight, this.#shapeMost);
    const ideal = newProspect();
    this.#laneMost = Float64Array.from({ length: LANES }, (_, lane) => {
      setLane(ideal, lane);
      return weigh(this.#onNode, ideal) + this.#leftoverMost;
    });
    const byMost = (a: number, b: number): number => this.#laneMost[b]! - this.#laneMost[a]! || b - a;
    this.#laneOrder = Uint8Array.from(this.#laneMost.keys()).sort(byMost);
  }

  /**
   * -1 when no node passes every filter. Many kinds of few sizes are searched by size first, unless too many strays
   * come in between; by kind there are none, and the answer is as good.
   */
  choose(fleet: FleetView, request: PlacementRequest): number {
    const { kinds, sizes, allowed } = this.#eligible(fleet, request.constraints ?? noConstraints);
    this.#allowed = allowed;
    this.#asked.cpuMillis = request.cpuMillis;
    this.#asked.memoryMib = request.memoryMib;
    this.#asked.diskGib = request.diskGib;
    if (kinds.ids.length > 2 * sizes.ids.length) {
      this.#strays = STRAYS_MAX;
      this.#search(fleet, request, fleet.bySize, sizes);
      if (this.#strays >= 0) return this.#best;
    }
    this.#strays = Infinity;
    this.#search(fleet, request, fleet.byKind, kinds);
    return this.#best;
  }

  #search(fleet: FleetView, request: PlacementRequest, index: CapacityIndex, { ids, base }: Pools): void {
    this.#best = -1;
    this.#bestScore = -Infinity;
    this.#records = index.records;
    let lanes = 0;
    for (let i = 0; i < ids.length; i++) lanes |= index.lanes[ids[i]!]!;
    for (let at = 0; at < LANES; at++) {
      const lane = this.#laneOrder[at]!;
      if ((lanes & (1 << lane)) === 0) continue;
      if (this.#laneMost[lane]! <= this.#bestScore) return;
      for (let i = 0; i < ids.length; i++) {
        const grid = index.gridOf(ids[i]!, lane);
        if (grid === undefined || base[i * LANES + lane]! + this.#leftoverMost <= this.#bestScore) continue;
        if (index === fleet.byKind && !this.#zoneOpen(fleet, request, ids[i]!)) continue;
        this.#searchGrid(fleet, request, grid, base[i * LANES + lane]!);
        if (this.#strays < 0) return;
      }
    }
  }

  #searchGrid(fleet: FleetView, request: PlacementRequest, grid: CapacityGrid, base: number): void {
    const { size } = grid;
    const prospect = this.#prospect;
    setAsked(prospect, this.#asked, size);
    const firstRow = Math.floor(this.#asked.memoryMib / size.grid.memoryMibPerRow);
    let column = grid.columnFrom(Math.floor(this.#asked.cpuMillis / size.grid.cpuMillisPerColumn));
    for (; column >= 0 && this.#strays >= 0; column = grid.columnFrom(column + 1)) {
      setColumn(prospect, this.#asked, size, column);
      prospect.memoryLeft = 0;
      if (base + weigh(this.#onFit, prospect) + this.#shapeMost <= this.#bestScore) return;
      this.#searchColumn(fleet, request, grid, column, firstRow, base);
    }
  }

  #searchColumn(
    fleet: FleetView,
    request: PlacementRequest,
    grid: CapacityGrid,
    column: number,
    firstRow: number,
    base: number,
  ): void {
    const prospect = this.#prospect;
    for (let row = grid.rowFrom(column, firstRow); row >= 0; row = grid.rowFrom(column, row + 1)) {
      setRow(prospect, this.#asked, grid.size, row);
      const fit = base + weigh(this.#onFit, prospect);
      if (fit + this.#shapeMost <= this.#bestScore) return;
      const score = fit + weigh(this.#onShape, prospect);
      if (score > this.#bestScore) this.#searchBucket(fleet, request, grid.headAt(column, row), score);
    }
  }

  #searchBucket(fleet: FleetView, request: PlacementRequest, head: number, score: number): void {
    const { cpuMillis, memoryMib, diskGib } = this.#asked;
    const records = this.#records;
    for (let node = head; node >= 0; node = records[node * RECORD + NEXT]!) {
      const at = node * RECORD;
      if (cpuMillis > records[at + CPU]! || memoryMib > records[at + MEMORY]! || diskGib > records[at + DISK]!)
        continue;
      if (this.#allowed[records[at + KIND]!] === 1 && this.#joins(fleet, request, node)) {
        this.#best = node;
        this.#bestScore = score;
        return;
      }
      this.#strays -= 1;
      if (this.#strays < 0) return;
    }
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

  /** Remembered for each constraints object, in the fleet last asked about. */
  #eligible(fleet: FleetView, constraints: Constraints): Eligible {
    if (fleet !== this.#fleet) {
      this.#fleet = fleet;
      this.#known = new WeakMap();
    } else if (this.#lastEligible !== undefined && constraints === this.#lastConstraints) return this.#lastEligible;
    let eligible = this.#known.get(constraints);
    if (eligible === undefined) this.#known.set(constraints, (eligible = this.#judge(fleet, constraints)));
    this.#lastConstraints = constraints;
    this.#lastEligible = eligible;
    return eligible;
  }

  #judge(fleet: FleetView, constraints: Constraints): Eligible {
    const judges = this.policy.filters.filter(({ stage }) => stage === 'kind');
    const allowed = Uint8Array.from({ length: fleet.kinds.count }, (_, kind) => {
      const trait = fleet.traits.at(fleet.kinds.at(kind).trait);
      return judges.every((filter) => filter.admitsTrait?.(trait, constraints) ?? true) ? 1 : 0;
    });
    const kinds = [...allowed.keys()].filter((kind) => allowed[kind] === 1);
    const sizeOf = (kind: number): NodeSize => fleet.kinds.at(kind).size;
    const sizes = [...new Set(kinds.map(sizeOf))];
    return {
      allowed,
      kinds: this.#pools(fleet, kinds, kinds.map(sizeOf)),
      sizes: this.#pools(
        fleet,
        sizes.map(({ index }) => index),
        sizes,
      ),
    };
  }

  #pools(fleet: FleetView, ids: readonly number[], sizes: readonly NodeSize[]): Pools {
    const base = new Float64Array(ids.length * LANES);
    sizes.forEach((size, i) => {
      for (let lane = 0; lane < LANES; lane++) {
        setNode(this.#prospect, fleet, size, lane);
        base[i * LANES + lane] = weigh(this.#onNode, this.#prospect);
      }
    });
    return { ids: Int32Array.from(ids), base };
  }
}
