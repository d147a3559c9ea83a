import type { DeadlineOutcome, OverdueOperation } from '@berth/database/deadline.repository.js';
import { startKinds } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';

/** What loops ask for is asked for again: capacity or the node may come back. */
const againAfterMs = 15_000;

/**
 * How an operation ends that ran out of time, and what that makes of its instance. A start that a user asked for is
 * given up, and the reconciler clears its vmm away; one that a loop asked for is asked for again. A stop or a delete
 * stays wished for. Pure.
 */
export function decideDeadline(operation: OverdueOperation): DeadlineOutcome {
  const { kind, stage, initiator, instanceState, reason } = operation;
  const problem = problemOf(operation);
  const isStart = startKinds.includes(kind);
  if (!isStart || instanceState === null) return { problem };
  const isUsers = initiator === 'user';
  if (stage === 'place' && instanceState === 'pending') {
    const why = reason ?? problem.detail;
    const instance = isUsers
      ? ({ state: 'failed', reason: why } as const)
      : { state: 'pending' as const, reason: why, restartAfterMs: againAfterMs };
    return { problem, instance };
  }
  const isUnderWay = instanceState === 'starting' || instanceState === 'unknown';
  return isUsers && isUnderWay ? { problem, instance: { state: 'failed', reason: problem.detail } } : { problem };
}

function problemOf({ kind, stage, reason, node, nodeState }: OverdueOperation): Problem {
  if (stage === 'place') {
    return {
      code: 'no-node-fits',
      detail: reason ?? 'no node could take it in time',
      next: 'ask for less, or add a node',
    };
  }
  if (node !== null && nodeState !== 'up') {
    return { code: 'node-unreachable', detail: `node ${node} did not answer in time`, next: `see to node ${node}` };
  }
  return {
    code: 'deadline-exceeded',
    detail: `${kind} did not end in time`,
    next: 'look at the events of the instance',
  };
}
