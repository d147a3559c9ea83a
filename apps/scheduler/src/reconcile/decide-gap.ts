import type { Gap, OpenedOperation } from '@berth/database/reconcile.repository.js';

/** The next operation that brings an instance nearer to what was asked of it; null: nothing is to be done now. Pure. */
export function decideGap(gap: Gap): OpenedOperation | null {
  const { instanceId, state, desiredState, generation, vmmState } = gap;
  const operation = { instanceId, seen: { state, generation } };
  switch (desiredState) {
    case 'deleted':
      return { ...operation, ...stop('delete-instance'), state: 'deleting', reason: 'its deletion goes on' };
    case 'stopped':
      if (state === 'failed' && vmmState === null) return null;
      return {
        ...operation,
        ...stop('stop-instance'),
        state: state === 'failed' ? state : 'stopping',
        reason: 'its stop goes on',
      };
    case 'running':
      return wanted(gap, operation);
  }
}

function wanted(gap: Gap, operation: Pick<OpenedOperation, 'instanceId' | 'seen'>): OpenedOperation | null {
  const { state, vmmState, restartCount } = gap;
  if (vmmState === null) {
    if (state === 'failed' || state === 'stopped') return null;
    const initiator = restartCount > 0 ? 'restart-policy' : 'reconcile';
    return {
      ...operation,
      kind: 'start-instance',
      initiator,
      stage: 'place',
      state: 'pending',
      reason: 'waits for a node',
    };
  }
  // what is left of a start that was given up
  if (state === 'failed') return { ...operation, ...stop('stop-instance'), state, reason: 'its vmm is cleared away' };
  // a start or reboot without an end: the guest is stuck
  if (state === 'starting') return { ...operation, ...stop('move-instance'), state, reason: 'stuck, starts again' };
  return null;
}

function stop(kind: 'stop-instance' | 'delete-instance' | 'move-instance') {
  return { kind, initiator: 'reconcile', stage: 'dispatch' } as const;
}
