import type { TransitionTable } from './transition.js';

/** active: held for the vmm that runs or starts. target: held on the receiving node of a migration. */
export type ReservationState = 'active' | 'target' | 'released';

export const reservationTransitions = {
  active: ['released'],
  target: ['active', 'released'],
  released: [],
} as const satisfies TransitionTable<ReservationState>;

export type MigrationState = 'planned' | 'running' | 'succeeded' | 'failed';

export const migrationTransitions = {
  planned: ['running', 'succeeded', 'failed'],
  running: ['succeeded', 'failed'],
  succeeded: [],
  failed: [],
} as const satisfies TransitionTable<MigrationState>;
