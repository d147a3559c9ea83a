import { traitFilter } from '../filter.js';

/** The node runs one of the drivers the instance accepts. */
export const driverFilter = traitFilter(
  'driver',
  (trait, { drivers }) => drivers === undefined || drivers.some((driver) => trait.drivers.includes(driver)),
  (trait) => ({ kind: 'use-driver', driver: trait.drivers[0] ?? '' }),
);
