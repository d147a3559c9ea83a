import { LANES } from './capacity-index.js';
import type { CapacityGrid } from './capacity-grid.js';
import type { Filter } from './filter.js';
import type { FleetView } from './fleet.js';
import { scoreBound, totalScore } from './policy.js';
import type { Policy } from './policy.js';
import { newProspect, setColumn, setGrid, setRow } from './prospect.js';
import type { Constraints, PlacementRequest } from './request.js';

const noConstraints: Constraints = {};

/**
 * Finds a node of the highest score by branch and bound over the buckets of the index. The cost does not grow with the
 * fleet: a bucket that cannot beat the best so far is never opened, and nodes of one bucket score the same. One object
 * per policy; it keeps scratch space, so that a decision allocates nothing.
 */
export class IndexWalk {
  readonly #policy: Policy;
  readonly #groupFilters: readonly Filter[];
  readonly #prospect = newProspect();
  readonly #kinds = new WeakMap<FleetView, WeakMap<Constraints, Int32Array>>();
  #best = -1;
  #bestScore = -Infinity;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#groupFilters = policy.filters.filter(({ stage }) => stage === 'group');
  }

  /** -1 when no node passes every filter. */
  choose(fleet: FleetView, request: PlacementRequest): number {
    this.#best = -1;
    this.#bestScore = -Infinity;
    const kinds = this.#eligibleKinds(fleet, request.constraints ?? noConstraints);
    for (let lane = LANES - 1; lane >= 0; lane--) {
      for (let i = 0; i < kinds.length; i++) {
        const grid = fleet.index.gridOf(kinds[i]!, lane);
        if (grid !== undefined && grid.count > 0) this.#searchGrid(fleet, request, grid, kinds[i]!, lane);
      }
    }
    return this.#best;
  }

  #searchGrid(fleet: FleetView, request: PlacementRequest, grid: CapacityGrid, kindIndex: number, lane: number): void {
    const kind = fleet.kinds.at(kindIndex);
    const prospect = this.#prospect;
    const firstRow = Math.floor(request.memoryMib / kind.grid.memoryMibPerRow);
    setGrid(prospect, fleet, request, kind, lane);
    let column = grid.columnFrom(Math.floor(request.cpuMillis / kind.grid.cpuMillisPerColumn));
    for (; column >= 0; column = grid.columnFrom(column + 1)) {
      setColumn(prospect, request, kind, column);
      prospect.memoryLeft = 0;
      if (scoreBound(this.#policy, prospect) <= this.#bestScore) return;
      for (let row = grid.rowFrom(column, firstRow); row >= 0; row = grid.rowFrom(column, row + 1)) {
        setRow(prospect, request, kind, row);
        if (scoreBound(this.#policy, prospect) <= this.#bestScore) break;
        const score = totalScore(this.#policy, prospect);
        if (score > this.#bestScore) this.#searchBucket(fleet, request, grid.headAt(column, row), score);
      }
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

  /** Kinds of node that pass the filters which ask of nothing else; remembered for each constraints object. */
  #eligibleKinds(fleet: FleetView, constraints: Constraints): Int32Array {
    let known = this.#kinds.get(fleet);
    if (known === undefined) this.#kinds.set(fleet, (known = new WeakMap()));
    let eligible = known.get(constraints);
    if (eligible === undefined) known.set(constraints, (eligible = this.#judgeKinds(fleet, constraints)));
    return eligible;
  }

  #judgeKinds(fleet: FleetView, constraints: Constraints): Int32Array {
    const judges = this.#policy.filters.filter(({ stage }) => stage === 'kind');
    const kinds = Array.from({ length: fleet.kinds.size }, (_, kind) => kind);
    const passes = (kind: number): boolean =>
      judges.every((filter) => filter.admitsTrait?.(fleet.traits.at(fleet.kinds.at(kind).trait), constraints) ?? true);
    return Int32Array.from(kinds.filter(passes));
  }
}
