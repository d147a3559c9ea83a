import { traitFilter } from '../filter.js';
import type { Constraints } from '../request.js';
import type { Trait } from '../traits.js';

const acceptedOn = (trait: Trait, { drivers }: Constraints): readonly string[] =>
  trait.drivers.filter((driver) => drivers?.includes(driver) ?? true);

/** Of the drivers that the instance accepts, the node runs one that can boot its image. */
export const imageFilter = traitFilter(
  'image',
  (trait, constraints) => {
    const { engines } = constraints;
    return engines === undefined || acceptedOn(trait, constraints).some((driver) => engines.includes(driver));
  },
  (trait, constraints) => ({ kind: 'use-image', drivers: acceptedOn(trait, constraints) }),
);
