import { endingPromises } from './ending.js';
import { pausingPromises } from './pausing.js';
import { runningPromises } from './running.js';
import { savingPromises } from './saving.js';
import { startingPromises } from './starting.js';
import type { Promised } from './world.js';

/** What every driver promises. Independent of a test runner, so that a driver can be tried on a machine by itself. */
export const driverPromises: readonly Promised[] = [
  ...startingPromises,
  ...runningPromises,
  ...pausingPromises,
  ...savingPromises,
  ...endingPromises,
];
