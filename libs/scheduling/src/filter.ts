import type { Change } from './decision.js';
import type { FleetView } from './fleet.js';
import type { Constraints, PlacementRequest } from './request.js';
import type { Trait } from './traits.js';

/** Can this request run on that node? */
export interface Filter {
  readonly name: string;
  /**
   * What the answer depends on, and so who asks when the index is walked: `kind` is asked once per kind of node, `open`
   * holds for every node in the index, `fit` for every node with room, and `group` is asked of each candidate.
   */
  readonly stage: 'kind' | 'open' | 'fit' | 'group';
  admits(fleet: FleetView, request: PlacementRequest, node: number): boolean;
  /** What would have to change for this filter to admit the node; asked only after it did not. */
  remedy(fleet: FleetView, request: PlacementRequest, node: number): Change;
  /** Of stage `kind`: the answer from the node's trait alone. */
  admitsTrait?(trait: Trait, constraints: Constraints): boolean;
  /** Of stage `group`: whether nodes of a zone can be admitted at all; the walk then passes over the others. */
  admitsZone?(fleet: FleetView, request: PlacementRequest, zone: number): boolean;
}

/** A filter over what a node is. */
export function traitFilter(
  name: string,
  admitsTrait: (trait: Trait, constraints: Constraints) => boolean,
  remedy: (trait: Trait, constraints: Constraints) => Change,
): Filter {
  const traitOf = (fleet: FleetView, node: number): Trait => fleet.traits.at(fleet.kinds.at(fleet.kind[node]!).trait);
  return {
    name,
    stage: 'kind',
    admitsTrait,
    admits: (fleet, { constraints = {} }, node) => admitsTrait(traitOf(fleet, node), constraints),
    remedy: (fleet, { constraints = {} }, node) => remedy(traitOf(fleet, node), constraints),
  };
}
