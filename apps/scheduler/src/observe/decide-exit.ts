import type { ExitFacts, ExitOutcome } from '@berth/database/exit-facts.js';
import type { Problem } from '@berth/domain/problem.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import { deliberateExitReasons, engineFailureReasons, type ExitReason } from '@berth/domain/vmm-state.js';

/**
 * A start whose guest or node was lost on the way is tried on another node, within the same operation, this often in
 * all.
 */
export const startsMax = 3;
const restartBackoffFirstMs = 1_000;
export const restartBackoffMaxMs = 60_000;
/** A guest that ran this long was well: its next restart is not held against it. */
export const restartForgivenAfterMs = 600_000;

/** Of no sense without it. */
const needsItsGuest: readonly OperationKind[] = [
  'pause-instance',
  'suspend-instance',
  'resume-instance',
  'snapshot-instance',
  'resize-instance',
];

/** The guest or its node ended it; the same start may well work elsewhere. */
const accidents: readonly ExitReason[] = [
  'killed',
  'crashed',
  'oom',
  'unresponsive',
  'isolated',
  'node-rebooted',
  'lost',
];

/** What becomes of an instance whose vmm is gone, or that has none for its operation to act on. Pure. */
export function decideExit(facts: ExitFacts): ExitOutcome {
  const { instance, exit, operation } = facts;
  if (exit !== null && !exit.isCurrent) return {};
  if (instance.desiredState === 'deleted') return deleted(facts);
  if (operation?.kind === 'stop-instance' || instance.desiredState === 'stopped') return stopped(facts);
  if (exit?.reason === 'suspended') return suspended(facts);
  if (operation?.kind === 'migrate-instance') return migrationEnded(facts);
  if (operation && !operation.startsIt && needsItsGuest.includes(operation.kind)) return guestEnded(facts);
  if (exit?.nextDriver && !instance.isSaved && isEngineFailure(exit)) return failOver(facts, exit, exit.nextDriver);
  if (operation !== null && !operation.startsIt) return again(facts, 'stopped, starts again');
  if (exit === null) return {};
  if (operation === null && exit.reason === 'stopped') return stoppedInVain(facts);
  return operation === null ? restart(facts, exit) : startEnded(facts, exit, operation);
}

type Exit = NonNullable<ExitFacts['exit']>;
type Operation = NonNullable<ExitFacts['operation']>;

function deleted({ instance, operation }: ExitFacts): ExitOutcome {
  return {
    instance: { state: 'deleted', reason: null },
    event: { kind: 'InstanceDeleted', message: `${instance.name} is deleted` },
    ...(operation && { operation: { state: operation.kind === 'delete-instance' ? 'succeeded' : 'cancelled' } }),
  };
}

/** What had failed stays failed: its vmm was only cleared away. */
function stopped({ instance, operation }: ExitFacts): ExitOutcome {
  const done: ExitOutcome = operation
    ? { operation: { state: operation.kind === 'stop-instance' ? 'succeeded' : 'cancelled' } }
    : {};
  if (instance.state === 'failed') return done;
  const event = { kind: 'InstanceStopped', message: `${instance.name} is stopped` };
  return { ...done, instance: { state: 'stopped', reason: null }, event };
}

/** With neither source nor target left there is nothing to move; one of them alone would have taken the place. */
function migrationEnded(facts: ExitFacts): ExitOutcome {
  const problem: Problem = {
    code: 'migration-failed',
    detail: facts.exit === null ? 'the guest ended on its way' : `the guest ended on its way: ${causeOf(facts.exit)}`,
    next: 'the restart policy of the instance acts; look at its events',
  };
  return { ...(facts.exit && restart(facts, facts.exit)), operation: { state: 'failed', problem } };
}

/** Its memory is a file now, and what it held of its node is free. */
function suspended({ instance, operation }: ExitFacts): ExitOutcome {
  return {
    instance: { state: 'suspended', reason: null, desiredState: 'suspended' },
    event: { kind: 'InstanceSuspended', message: `${instance.name} is suspended` },
    ...(operation && { operation: { state: operation.kind === 'suspend-instance' ? 'succeeded' : 'cancelled' } }),
  };
}

/** Its memory is lost: the restart policy acts, and a guest that is to be paused will be when it is ready. */
function guestEnded(facts: ExitFacts): ExitOutcome {
  const problem: Problem = {
    code: 'guest-ended',
    detail: facts.exit === null ? 'the guest is not there any more' : `the guest ended: ${causeOf(facts.exit)}`,
    next: 'the restart policy of the instance acts; look at its events',
  };
  return { ...(facts.exit && restart(facts, facts.exit)), operation: { state: 'failed', problem } };
}

/** By a job of an operation that had ended before: nobody wants it stopped, so the policy has no say. */
function stoppedInVain({ instance }: ExitFacts): ExitOutcome {
  const reason = 'stopped too late for its operation, starts again';
  return {
    instance: { state: 'pending', reason, restartAfterMs: 0 },
    event: { kind: 'InstanceRestarting', message: `${instance.name} ${reason}` },
  };
}

function again({ instance }: ExitFacts, reason: string): ExitOutcome {
  return {
    instance: { state: 'pending', reason },
    operation: 'again',
    event: { kind: 'InstanceRestarting', message: `${instance.name} ${reason}` },
  };
}

/** An image that is not there is nobody's failure but its own. */
function isEngineFailure({ reason, problem }: Exit): boolean {
  return engineFailureReasons.includes(reason) && (problem === null || problem.code === 'start-failed');
}

/**
 * The guest may be well and its engine not: it goes on under the next at once, whatever its restart policy, and no
 * restart is counted. Under the last engine a failure is the guest's own.
 */
function failOver({ instance, operation }: ExitFacts, exit: Exit, to: EngineDriverName): ExitOutcome {
  const { driver: from, reason } = exit;
  const sentence = `${from} failed (${causeOf(exit)}), restarts under ${to}`;
  return {
    instance: { state: 'pending', reason: sentence, failedDriver: from, restartAfterMs: 0 },
    event: { kind: 'InstanceFailedOver', message: `${instance.name}: ${sentence}` },
    failover: { from, to, reason },
    ...(operation && { operation: 'again' as const }),
  };
}

function startEnded(facts: ExitFacts, exit: Exit, operation: Operation): ExitOutcome {
  const cause = causeOf(exit);
  if (accidents.includes(exit.reason) && operation.startCount < startsMax)
    return again(facts, `${cause} while it started, starts again`);
  const problem: Problem = exit.problem ?? {
    code: 'start-failed',
    detail: `the guest did not become ready: ${cause}`,
    next: 'look at the console of the instance',
  };
  const ended = { operation: { state: 'failed' as const, problem } };
  if (facts.instance.isSaved) {
    const event = { kind: 'InstanceSuspended', message: `${facts.instance.name} stays suspended: ${problem.detail}` };
    return { ...ended, event, instance: { state: 'suspended', reason: problem.detail, desiredState: 'suspended' } };
  }
  const isHopeless = problem.code !== 'start-failed' || facts.instance.restartPolicy === 'never';
  if (!isHopeless) return { ...restart(facts, exit), ...ended };
  const event = { kind: 'InstanceFailed', message: `${facts.instance.name}: ${problem.detail}` };
  return { ...ended, instance: { state: 'failed', reason: problem.detail }, event };
}

/**
 * Nobody asked for this end: the restart policy acts. Without one the wish follows what happened, so that nothing is
 * left to do.
 */
function restart({ instance }: ExitFacts, exit: Exit): ExitOutcome {
  const cause = causeOf(exit);
  const event = { kind: 'InstanceExited', message: `${instance.name}: ${cause}` };
  const isDeliberate = deliberateExitReasons.includes(exit.reason);
  const isWanted = instance.restartPolicy === 'always' || (instance.restartPolicy === 'on-failure' && !isDeliberate);
  if (!isWanted) return { instance: { state: 'stopped', reason: cause, desiredState: 'stopped' }, event };
  const count = (exit.ranMs ?? 0) >= restartForgivenAfterMs ? 0 : instance.restartCount;
  const restartAfterMs = restartBackoffMs(count);
  const when = restartAfterMs === 0 ? 'restarts' : `restarts in ${restartAfterMs / 1000} s`;
  return {
    instance: { state: 'pending', reason: `${cause}, ${when}`, restartCount: count + 1, restartAfterMs },
    event,
  };
}

/** At once, then 1 s, 2 s, 4 s, ... */
export function restartBackoffMs(restartCount: number): number {
  if (restartCount === 0) return 0;
  return Math.min(restartBackoffMaxMs, restartBackoffFirstMs * 2 ** (restartCount - 1));
}

function causeOf({ reason, detail }: Exit): string {
  return detail === '' ? `guest ${reason}` : `guest ${reason} (${detail})`;
}
