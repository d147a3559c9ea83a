import type { InstanceState } from '@berth/domain/instance-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';

export type InstanceAction = 'start' | 'stop' | 'reboot' | 'migrate' | 'delete';

export interface ActionRule {
  readonly kind: OperationKind;
  readonly from: readonly InstanceState[];
  /** With a live vmm; and without one, where nothing is left to do on a node. */
  readonly to: readonly [live: InstanceState, none: InstanceState];
  readonly desired: 'running' | 'stopped' | 'deleted';
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
    from: ['pending', 'starting', 'running', 'unknown'],
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
  migrate: {
    kind: 'migrate-instance',
    from: ['running'],
    to: ['running', 'running'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceMigrating',
    reason: null,
  },
  delete: {
    kind: 'delete-instance',
    from: ['pending', 'starting', 'running', 'stopping', 'stopped', 'failed', 'unknown', 'deleting'],
    to: ['deleting', 'deleted'],
    desired: 'deleted',
    overtakes: true,
    event: 'InstanceDeleting',
    reason: null,
  },
};
