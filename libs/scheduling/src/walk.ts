import { LANES } from './capacity-index.js';
import type { CapacityGrid } from './capacity-grid.js';
import type { Filter } from './filter.js';
import type { FleetView } from './fleet.js';
import type { Kind } from './kinds.js';
import { weigh } from './policy.js';
import type { Policy, WeightedScorer } from './policy.js';
import { newProspect, setAsked, setColumn, setNode, setLane, setRow } from './prospect.js';
import type { Constraints, PlacementRequest } from './request.js';
import type { Scorer } from './scorer.js';

const noConstraints: Constraints = {};

/** Kinds of node that constraints allow, and what each scores in each lane whatever is left on it. */
interface Eligible {
  readonly kinds: Int32Array;
  readonly base: Float64Array;
}

/**
 * Finds a node of the highest score by branch and bound over the buckets of the index. The cost does not grow with the
 * fleet: a bucket that cannot beat the best so far is never opened, and nodes of one bucket score the same. One object
 * per policy; it keeps scratch space, so that a decision allocates nothing.
 */
export class IndexWalk {
  readonly #policy: Policy;
  readonly #groupFilters: readonly Filter[];
  readonly #zoneFilters: readonly Filter[];
  readonly #onNode: readonly WeightedScorer[];
  readonly #onFit: readonly WeightedScorer[];
  readonly #onShape: readonly WeightedScorer[];
  /** The most that the scorers which ask what is left can add: all of them, and those on shape alone. */
  readonly #leftoverMost: number;
  readonly #shapeMost: number;
  /** The most that a node can score, in each lane. */
  readonly #laneMost: Float64Array;
  readonly #prospect = newProspect();
  readonly #kinds = new WeakMap<FleetView, WeakMap<Constraints, Eligible>>();
  #best = -1;
  #bestScore = -Infinity;

  constructor(policy: Policy) {
    this.#policy = policy;
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
  }

  /** -1 when no node passes every filter. */
  choose(fleet: FleetView, request: PlacementRequest): number {
    this.#best = -1;
    this.#bestScore = -Infinity;
    const { kinds, base } = this.#eligibleKinds(fleet, request.constraints ?? noConstraints);
    for (let lane = LANES - 1; lane >= 0; lane--) {
      for (let i = 0; i < kinds.length && this.#laneMost[lane]! > this.#bestScore; i++) {
        const grid = fleet.index.gridOf(kinds[i]!, lane);
        if (grid !== undefined) this.#searchGrid(fleet, request, grid, kinds[i]!, base[i * LANES + lane]!);
      }
    }
    return this.#best;
  }

  #searchGrid(fleet: FleetView, request: PlacementRequest, grid: CapacityGrid, kindIndex: number, base: number): void {
    if (base + this.#leftoverMost <= this.#bestScore) return;
    const kind = fleet.kinds.at(kindIndex);
    if (request.group !== undefined && !this.#zoneOpen(fleet, request, kind.zone)) return;
    const prospect = this.#prospect;
    setAsked(prospect, request, kind);
    const firstRow = Math.floor(request.memoryMib / kind.grid.memoryMibPerRow);
    let column = grid.columnFrom(Math.floor(request.cpuMillis / kind.grid.cpuMillisPerColumn));
    for (; column >= 0; column = grid.columnFrom(column + 1)) {
      setColumn(prospect, request, kind, column);
      prospect.memoryLeft = 0;
      if (base + weigh(this.#onFit, prospect) + this.#shapeMost <= this.#bestScore) return;
      this.#searchColumn(fleet, request, grid, kind, column, firstRow, base);
    }
  }

  #searchColumn(
    fleet: FleetView,
    request: PlacementRequest,
    grid: CapacityGrid,
    kind: Kind,
    column: number,
    firstRow: number,
    base: number,
  ): void {
    const prospect = this.#prospect;
    for (let row = grid.rowFrom(column, firstRow); row >= 0; row = grid.rowFrom(column, row + 1)) {
      setRow(prospect, request, kind, row);
      const fit = base + weigh(this.#onFit, prospect);
      if (fit + this.#shapeMost <= this.#bestScore) return;
      const score = fit + weigh(this.#onShape, prospect);
      if (score > this.#bestScore) this.#searchBucket(fleet, request, grid.headAt(column, row), score);
    }
  }

  #searchBucket(fleet: FleetView, request: PlacementRequest, head: number, score: number): void {
    for (let node = head; node >= 0; node = fleet.index.next[node]!) {
      if (!fleet.fits(node, request)) continue;
      if (request.group !== undefined && !this.#joins(fleet, request, node)) continue;
      this.#best = node;
      this.#bestScore = score;
      return;
    }
  }

  #joins(fleet: FleetView, request: PlacementRequest, node: number): boolean {
    for (const filter of this.#groupFilters) if (!filter.admits(fleet, request, node)) return false;
    return true;
  }

  #zoneOpen(fleet: FleetView, request: PlacementRequest, zone: number): boolean {
    for (const filter of this.#zoneFilters) if (filter.admitsZone?.(fleet, request, zone) === false) return false;
    return true;
  }

  /** Kinds of node that pass the filters which ask of nothing else; remembered for each constraints object. */
  #eligibleKinds(fleet: FleetView, constraints: Constraints): Eligible {
    let known = this.#kinds.get(fleet);
    if (known === undefined) this.#kinds.set(fleet, (known = new WeakMap()));
    let eligible = known.get(constraints);
    if (eligible === undefined) known.set(constraints, (eligible = this.#judgeKinds(fleet, constraints)));
    return eligible;
  }

  #judgeKinds(fleet: FleetView, constraints: Constraints): Eligible {
    const judges = this.#policy.filters.filter(({ stage }) => stage === 'kind');
    const kinds = Array.from({ length: fleet.kinds.size }, (_, kind) => kind);
    const passes = (kind: number): boolean =>
      judges.every((filter) => filter.admitsTrait?.(fleet.traits.at(fleet.kinds.at(kind).trait), constraints) ?? true);
    const eligible = Int32Array.from(kinds.filter(passes));
    const base = new Float64Array(eligible.length * LANES);
    eligible.forEach((kind, i) => {
      for (let lane = 0; lane < LANES; lane++) {
        setNode(this.#prospect, fleet, fleet.kinds.at(kind), lane);
        base[i * LANES + lane] = weigh(this.#onNode, this.#prospect);
      }
    });
    return { kinds: eligible, base };
  }
}
