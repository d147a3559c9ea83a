import { traitFilter } from '../filter.js';
import type { Constraints } from '../request.js';
import { describeTaint } from '../traits.js';
import type { Taint, Trait } from '../traits.js';

/** The request tolerates every taint of the node. */
export const taintsFilter = traitFilter(
  'taints',
  (trait, constraints) => intolerable(trait, constraints).length === 0,
  (trait, constraints) => ({ kind: 'tolerate', taint: intolerable(trait, constraints).map(describeTaint).join(', ') }),
);

function intolerable(trait: Trait, { tolerations = [] }: Constraints): Taint[] {
  return trait.taints.filter(
    (taint) =>
      !tolerations.some(({ key, value }) => key === taint.key && (value === undefined || value === taint.value)),
  );
}
