import type { TransitionTable } from './transition.js';

/** An operation is an accepted request and the outbox row of its jobs; it always ends. */
export type OperationState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export const operationTransitions = {
  pending: ['running', 'succeeded', 'failed', 'cancelled'],
  running: ['pending', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
} as const satisfies TransitionTable<OperationState>;

export const operationKinds = [
  'create-instance',
  'clone-instance', // makes it as a copy of another
  'start-instance',
  'stop-instance',
  'reboot-instance',
  'pause-instance',
  'suspend-instance', // keeps its memory in a file and gives its place up
  'resume-instance', // of a paused or a suspended one
  'resize-instance', // gives it another type
  'delete-instance',
  'move-instance', // stops it on its node and starts it on another
  'migrate-instance', // moves it to another node while it runs
  'snapshot-instance', // keeps it as it is now
  'restore-instance', // takes it back to a snapshot
  'rebuild-instance', // gives it a new disk
  'rescue-instance', // boots another image, with its disk behind that
  'unrescue-instance', // boots its own disk again
  'drain-node',
] as const;
export type OperationKind = (typeof operationKinds)[number];

/** They begin a vmm, and end when its guest is ready. */
export const startKinds: readonly OperationKind[] = [
  'create-instance',
  'clone-instance',
  'start-instance',
  'move-instance',
  'restore-instance',
  'rebuild-instance',
  'rescue-instance',
  'unrescue-instance',
];
