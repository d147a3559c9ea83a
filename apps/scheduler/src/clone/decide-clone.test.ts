import type { WaitingClone } from '@berth/database/clone.repository.js';
import { instanceTransitions } from '@berth/domain/instance-state.js';
import { snapshotsPerInstanceMax } from '@berth/domain/limits.js';
import { statesOf } from '@berth/domain/transition.js';
import { expect, test } from 'vitest';
import { decideClone } from './decide-clone.js';

const runs: WaitingClone = {
  operationId: 'o',
  instanceId: 'i',
  sourceId: 's',
  source: 'web',
  state: 'running',
  openKind: null,
  driver: 'tcg',
  fits: true,
  snapshotCount: 0,
  snapshotState: null,
  snapshotReason: null,
};

test('a source that runs and that nobody is at work on is kept', () => {
  expect(decideClone(runs)).toBe('keep');
});

test.each<[string, Partial<WaitingClone>]>([
  ['is busy', { openKind: 'snapshot-instance' }],
  ['reboots', { state: 'starting', openKind: 'reboot-instance' }],
  ['is out of reach', { state: 'unknown' }],
  ['starts again', { state: 'pending', driver: null }],
])('one that %s is waited for', (_, change) => {
  expect(decideClone({ ...runs, ...change })).toBe('wait');
});

test.each<[string, Partial<WaitingClone>, string]>([
  ['came to nothing', { snapshotState: 'failed', snapshotReason: 'no space' }, 'could not be kept as it was: no space'],
  ['is of another size since', { fits: false }, 'another size or image'],
  ['moved to an engine that keeps none', { driver: 'v86' }, 'runs under v86'],
  ['has no room for one more', { snapshotCount: snapshotsPerInstanceMax }, `has ${snapshotsPerInstanceMax} snapshots`],
])('a clone of one that %s ends, and says so', (_, change, words) => {
  const detail = expect.stringContaining(words) as string;
  expect(decideClone({ ...runs, ...change })).toMatchObject({ code: 'clone-failed', detail });
});

test('a clone waits for no source that will not run again by itself', () => {
  const waited = statesOf(instanceTransitions).filter((state) => typeof decideClone({ ...runs, state }) === 'string');
  expect(waited).toEqual(['pending', 'starting', 'running', 'unknown']);
});
