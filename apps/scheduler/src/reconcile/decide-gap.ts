import type { Gap, OpenedOperation } from '@berth/database/reconcile.repository.js';
import { instanceTransitions, type InstanceState } from '@berth/domain/instance-state.js';
import { isAllowed } from '@berth/domain/transition.js';

/** The next operation that brings an instance nearer to what was asked of it; null: nothing is to be done now. Pure. */
export function decideGap(gap: Gap): OpenedOperation | null {
  const { state, desiredState, vmmState } = gap;
  if (desiredState === 'deleted')
    return ending(gap, 'delete-instance', toward(state, 'deleting'), 'its deletion goes on');
  // what failed, and is cleared away, stays failed
  if (state === 'failed')
    return vmmState === null ? null : ending(gap, 'stop-instance', state, 'its vmm is cleared away');
  if (desiredState === 'stopped') return ending(gap, 'stop-instance', toward(state, 'stopping'), 'its stop goes on');
  if (vmmState !== null) return onLiveVmm(gap);
  const isStartable = state === 'pending' || isAllowed(instanceTransitions, state, 'pending');
  return isStartable && state !== 'stopped' ? start(gap) : null;
}

/** A start or reboot without an end: the guest is stuck. */
function onLiveVmm(gap: Gap): OpenedOperation | null {
  const { state, desiredState } = gap;
  if (state === 'starting') return ending(gap, 'move-instance', state, 'stuck, starts again');
  if (state === 'running' && desiredState === 'paused') return ending(gap, 'pause-instance', state, 'is to be paused');
  if ((state === 'running' || state === 'paused') && desiredState === 'suspended')
    return ending(gap, 'suspend-instance', state, 'is to be suspended');
  if (state === 'paused' && desiredState !== 'paused') return ending(gap, 'resume-instance', state, 'is to go on');
  return null;
}

function start({ instanceId, state, generation, restartCount }: Gap): OpenedOperation {
  return {
    instanceId,
    seen: { state, generation },
    kind: 'start-instance',
    initiator: restartCount > 0 ? 'restart-policy' : 'reconcile',
    stage: 'place',
    state: 'pending',
    reason: 'waits for a node',
  };
}

function ending(
  { instanceId, state: seen, generation }: Gap,
  kind: OpenedOperation['kind'],
  state: InstanceState,
  reason: string,
): OpenedOperation {
  return {
    instanceId,
    seen: { state: seen, generation },
    kind,
    initiator: 'reconcile',
    stage: 'dispatch',
    state,
    reason,
  };
}

function toward(state: InstanceState, next: InstanceState): InstanceState {
  return isAllowed(instanceTransitions, state, next) ? next : state;
}
