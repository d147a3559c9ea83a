import type { DesiredState, InstanceState } from '@berth/domain/instance-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';

export type InstanceAction =
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'suspend'
  | 'resume'
  | 'migrate'
  | 'restore'
  | 'rebuild'
  | 'rescue'
  | 'unrescue'
  | 'delete';

export interface ActionRule {
  readonly kind: OperationKind;
  readonly from: readonly InstanceState[];
  /** With a live vmm, `same`: as it is until its node says so; without one, where nothing is left to do on a node. */
  readonly to: readonly [live: InstanceState | 'same', none: InstanceState];
  readonly desired: DesiredState;
  /** Cancels the open operation instead of waiting for its end. */
  readonly overtakes: boolean;
  readonly event: string;
  readonly reason: string | null;
}

/** What each action asks of an instance, and makes of it. */
export const instanceActions: Readonly<Record<InstanceAction, ActionRule>> = {
  start: {
    kind: 'start-instance',
    from: ['stopped', 'failed'],
    to: ['pending', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceAccepted',
    reason: 'waits for a node',
  },
  stop: {
    kind: 'stop-instance',
    from: ['pending', 'starting', 'running', 'paused', 'suspended', 'unknown'],
    to: ['stopping', 'stopped'],
    desired: 'stopped',
    overtakes: true,
    event: 'InstanceStopping',
    reason: null,
  },
  reboot: {
    kind: 'reboot-instance',
    from: ['running'],
    to: ['starting', 'starting'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceRestarting',
    reason: 'reboots',
  },
  pause: {
    kind: 'pause-instance',
    from: ['running'],
    to: ['same', 'running'],
    desired: 'paused',
    overtakes: false,
    event: 'InstancePausing',
    reason: null,
  },
  suspend: {
    kind: 'suspend-instance',
    from: ['running', 'paused'],
    to: ['same', 'running'],
    desired: 'suspended',
    overtakes: false,
    event: 'InstanceSuspending',
    reason: null,
  },
  resume: {
    kind: 'resume-instance',
    from: ['paused', 'suspended'],
    to: ['same', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceResuming',
    reason: null,
  },
  migrate: {
    kind: 'migrate-instance',
    from: ['running'],
    to: ['same', 'running'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceMigrating',
    reason: null,
  },
  restore: {
    kind: 'restore-instance',
    from: ['running', 'stopped', 'failed'],
    to: ['starting', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceRestoring',
    reason: 'goes back to a snapshot',
  },
  rebuild: {
    kind: 'rebuild-instance',
    from: ['running', 'stopped', 'failed'],
    to: ['starting', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceRebuilding',
    reason: 'gets a new disk',
  },
  rescue: {
    kind: 'rescue-instance',
    from: ['running', 'stopped', 'failed'],
    to: ['starting', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceRescuing',
    reason: 'boots from a rescue image',
  },
  unrescue: {
    kind: 'unrescue-instance',
    from: ['running', 'stopped', 'failed'],
    to: ['starting', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceUnrescuing',
    reason: 'boots from its own disk again',
  },
  delete: {
    kind: 'delete-instance',
    from: [
      'pending',
      'starting',
      'running',
      'paused',
      'suspended',
      'stopping',
      'stopped',
      'failed',
      'unknown',
      'deleting',
    ],
    to: ['deleting', 'deleted'],
    desired: 'deleted',
    overtakes: true,
    event: 'InstanceDeleting',
    reason: null,
  },
};

/** What its owner can do first where an action is refused because of the instance's state. */
export const nextSteps: Readonly<Record<InstanceState, string>> = {
  pending: 'wait until it runs, or stop it',
  starting: 'wait until it runs, or stop it',
  running: 'stop it first, or leave it as it is',
  paused: 'resume it, or stop it',
  suspended: 'resume it, or stop it, which gives its memory up',
  stopping: 'wait until it is stopped',
  stopped: 'start it, or delete it',
  failed: 'start it, or delete it',
  unknown: 'wait until its node is heard again, or stop it',
  deleting: 'wait until it is deleted',
  deleted: 'create another one',
};
