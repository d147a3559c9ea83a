import type { TransitionTable } from './transition.js';

/**
 * creating: its node writes it. ready: memory and disk of one instant are on its node. failed: nothing was kept.
 * deleted: nobody wants it; its node removes what is left.
 */
export type SnapshotState = 'creating' | 'ready' | 'failed' | 'deleted';

export const snapshotTransitions = {
  creating: ['ready', 'failed', 'deleted'],
  ready: ['deleted'],
  failed: ['deleted'],
  deleted: [],
} as const satisfies TransitionTable<SnapshotState>;
