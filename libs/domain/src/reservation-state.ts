import type { TransitionTable } from './transition.js';

/**
 * active: held for the vmm that runs or starts. target: held for one to come, by a migration, or by a resize for what
 * it needs beyond what its instance holds of that node already.
 */
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
