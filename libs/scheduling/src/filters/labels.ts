import { traitFilter } from '../filter.js';
import type { Constraints } from '../request.js';
import type { Trait } from '../traits.js';

/** The node carries every label the request selects by. */
export const labelsFilter = traitFilter(
  'labels',
  (trait, constraints) => missing(trait, constraints).length === 0,
  (trait, constraints) => ({ kind: 'drop-selector', label: missing(trait, constraints).join(', ') }),
);

function missing(trait: Trait, { nodeSelector = {} }: Constraints): string[] {
  return Object.entries(nodeSelector)
    .filter(([key, value]) => trait.labels[key] !== value)
    .map(([key, value]) => `${key}=${value}`);
}
