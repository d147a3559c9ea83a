import { LANES } from './capacity-index.js';
import type { FleetView } from './fleet.js';
import type { NodeSize } from './kinds.js';
import { weigh } from './policy.js';
import type { Policy, WeightedScorer } from './policy.js';
import { newProspect, setNode } from './prospect.js';
import type { Constraints } from './request.js';

/** Pools of an index to be searched, and what their nodes score in each lane whatever is left on them. */
export interface Pools {
  readonly ids: Int32Array;
  readonly base: Float64Array;
}

/** What constraints allow: kinds, and the sizes these come in. */
export interface Eligible {
  readonly kinds: Pools;
  readonly sizes: Pools;
  /** By kind: 1 when it is allowed. */
  readonly allowed: Uint8Array;
}

/** What constraints allow under one policy: remembered for each constraints object, in the fleet last asked about. */
export class Eligibility {
  readonly #policy: Policy;
  readonly #onNode: readonly WeightedScorer[];
  #fleet: FleetView | undefined;
  #known = new WeakMap<Constraints, Eligible>();
  #lastConstraints: Constraints | undefined;
  #last: Eligible | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#onNode = policy.scorers.filter(({ scorer }) => scorer.on === 'node');
  }

  of(fleet: FleetView, constraints: Constraints): Eligible {
    if (fleet !== this.#fleet) {
      this.#fleet = fleet;
      this.#known = new WeakMap();
    } else if (this.#last !== undefined && constraints === this.#lastConstraints) return this.#last;
    let eligible = this.#known.get(constraints);
    if (eligible === undefined) this.#known.set(constraints, (eligible = this.#judge(fleet, constraints)));
    this.#lastConstraints = constraints;
    this.#last = eligible;
    return eligible;
  }

  #judge(fleet: FleetView, constraints: Constraints): Eligible {
    const judges = this.#policy.filters.filter(({ stage }) => stage === 'kind');
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
    const prospect = newProspect();
    sizes.forEach((size, i) => {
      for (let lane = 0; lane < LANES; lane++) {
        setNode(prospect, fleet, size, lane);
        base[i * LANES + lane] = weigh(this.#onNode, prospect);
      }
    });
    return { ids: Int32Array.from(ids), base };
  }
}
