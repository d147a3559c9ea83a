import type { Change } from './decision.js';
import type { FleetView } from './fleet.js';
import type { Constraints, PlacementRequest } from './request.js';
import type { Trait } from './traits.js';

/** Can this request run on that node? */
export interface Filter {
  readonly name: string;
  admits(fleet: FleetView, request: PlacementRequest, node: number): boolean;
  /** What would have to change for this filter to admit the node; asked only after it did not. */
  remedy(fleet: FleetView, request: PlacementRequest, node: number): Change;
  /** Present when the answer depends on the node's trait alone: it is then asked once per trait. */
  admitsTrait?(trait: Trait, constraints: Constraints): boolean;
}

/** A filter over what a node is. */
export function traitFilter(
  name: string,
  admitsTrait: (trait: Trait, constraints: Constraints) => boolean,
  remedy: (trait: Trait, constraints: Constraints) => Change,
): Filter {
  const traitOf = (fleet: FleetView, node: number): Trait => fleet.traits.at(fleet.trait[node]!);
  return {
    name,
    admitsTrait,
    admits: (fleet, { constraints = {} }, node) => admitsTrait(traitOf(fleet, node), constraints),
    remedy: (fleet, { constraints = {} }, node) => remedy(traitOf(fleet, node), constraints),
  };
}
