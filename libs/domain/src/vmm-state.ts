import type { TransitionTable } from './transition.js';

/**
 * scheduled: the row and its reservation are committed, the node has not answered yet. starting: the node took the job.
 * running: the guest is ready. paused: ready, and it stands still because its owner wanted that. gone: the process does
 * not exist and never will again for this generation.
 */
export type VmmState = 'scheduled' | 'starting' | 'running' | 'paused' | 'stopping' | 'unknown' | 'gone';

export const vmmTransitions = {
  scheduled: ['starting', 'running', 'stopping', 'unknown', 'gone'],
  starting: ['running', 'stopping', 'unknown', 'gone'],
  running: ['starting', 'paused', 'stopping', 'unknown', 'gone'],
  paused: ['running', 'stopping', 'unknown', 'gone'],
  stopping: ['unknown', 'gone'],
  unknown: ['starting', 'running', 'paused', 'stopping', 'gone'],
  gone: [],
} as const satisfies TransitionTable<VmmState>;

/** Why a vmm is gone; `restartPolicy: on-failure` acts on every reason that nobody asked for. */
export const exitReasons = [
  'stopped', // asked for
  'deleted', // asked for
  'suspended', // asked for: its memory is kept
  'guest-poweroff', // the guest shut itself down
  'killed', // the process died by a signal
  'crashed', // the process ended with an error
  'engine-failed', // the engine gave the guest up: QMP internal-error
  'guest-panic',
  'oom',
  'unresponsive', // QMP silent, killed by the worker
  'start-failed', // never became ready
  'start-timeout',
  'isolated', // stopped by its guard: the node lost its lease
  'node-rebooted', // its process did not survive the node
  'lost', // the node does not know it, or its memory did not all arrive
  'superseded', // a newer generation took its place
  'migrated', // its guest runs on in another vmm
  'migration-failed', // it waited for a guest that never came to run in it
] as const;
export type ExitReason = (typeof exitReasons)[number];

/** What may be the engine's own fault: such a guest is tried under the next engine its node offers. */
export const engineFailureReasons: readonly ExitReason[] = [
  'engine-failed',
  'crashed',
  'unresponsive',
  'start-failed',
  'start-timeout',
];

export const deliberateExitReasons: readonly ExitReason[] = ['stopped', 'deleted', 'suspended', 'guest-poweroff'];
