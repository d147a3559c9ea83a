import type { TransitionTable } from './transition.js';

/**
 * pending: accepted, waits for a node. starting: a vmm is placed, its guest is not ready yet. running: the guest said
 * so. paused: it stands still in its vmm because its owner wanted that. suspended: it has no vmm, its memory is a
 * file of its node. unknown: its node cannot be reached; the last report stands with its age. failed: will not be tried
 * again by itself.
 */
export type InstanceState =
  | 'pending'
  | 'starting'
  | 'running'
  | 'paused'
  | 'suspended'
  | 'stopping'
  | 'stopped'
  | 'failed'
  | 'unknown'
  | 'deleting'
  | 'deleted';

export const instanceTransitions = {
  pending: ['starting', 'suspended', 'stopped', 'failed', 'deleting'],
  starting: ['running', 'pending', 'suspended', 'stopping', 'stopped', 'failed', 'unknown', 'deleting'],
  running: ['pending', 'starting', 'paused', 'suspended', 'stopping', 'stopped', 'failed', 'unknown', 'deleting'],
  paused: ['running', 'pending', 'suspended', 'stopping', 'stopped', 'failed', 'unknown', 'deleting'],
  suspended: ['pending', 'stopped', 'deleting'],
  stopping: ['stopped', 'failed', 'unknown', 'deleting'],
  stopped: ['pending', 'deleting'],
  failed: ['pending', 'stopped', 'deleting'],
  unknown: ['pending', 'starting', 'running', 'paused', 'suspended', 'stopping', 'stopped', 'failed', 'deleting'],
  deleting: ['deleted'],
  deleted: [],
} as const satisfies TransitionTable<InstanceState>;

/** What the user asked for; the reconciler closes the gap to the observed state. */
export type DesiredState = 'running' | 'paused' | 'suspended' | 'stopped' | 'deleted';
export const desiredStates = [
  'running',
  'paused',
  'suspended',
  'stopped',
  'deleted',
] as const satisfies readonly DesiredState[];

/** What happens when a guest ends without having been asked to. */
export type RestartPolicy = 'always' | 'on-failure' | 'never';
export const restartPolicies = ['always', 'on-failure', 'never'] as const satisfies readonly RestartPolicy[];

/**
 * What its guard does when the node loses its lease: `keep` is never evacuated without a fence by power or operator.
 */
export type IsolationPolicy = 'keep' | 'stop';
export const isolationPolicies = ['keep', 'stop'] as const satisfies readonly IsolationPolicy[];
