import type { CloneStep, WaitingClone } from '@berth/database/clone.repository.js';
import type { InstanceState } from '@berth/domain/instance-state.js';
import { snapshotsPerInstanceMax } from '@berth/domain/limits.js';
import type { Problem } from '@berth/domain/problem.js';

/** Of a source that is on its way to run, or back to it. */
const passing: readonly InstanceState[] = ['pending', 'starting', 'running', 'unknown'];

/** What is to be done about a clone that has nothing to begin from yet. Its deadline ends what waits too long. Pure. */
export function decideClone(clone: WaitingClone): CloneStep {
  const { source, state, openKind, driver, fits, snapshotCount, snapshotState, snapshotReason } = clone;
  if (snapshotState !== null)
    return failed(`${source} could not be kept as it was: ${snapshotReason ?? snapshotState}`);
  if (!fits) return failed(`${source} is of another size or image since`);
  if (!passing.includes(state)) return failed(`${source} is ${state}, and only what runs can be cloned`, 'start it');
  if (state !== 'running' || openKind !== null || driver === null) return 'wait';
  if (driver !== 'tcg' && driver !== 'kvm') return failed(`${source} runs under ${driver}, which cannot keep a guest`);
  if (snapshotCount < snapshotsPerInstanceMax) return 'keep';
  return failed(
    `${source} has ${snapshotCount} snapshots, and a clone needs one more; that is the limit`,
    'delete one',
  );
}

function failed(detail: string, next = 'ask again'): Problem {
  return { code: 'clone-failed', detail, next };
}
