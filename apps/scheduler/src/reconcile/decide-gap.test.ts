import type { Gap } from '@berth/database/reconcile.repository.js';
import { desiredStates, instanceTransitions } from '@berth/domain/instance-state.js';
import { isAllowed, statesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideGap } from './decide-gap.js';

const gapOf = (change: Partial<Gap>): Gap => ({
  instanceId: 'i',
  name: 'web',
  state: 'pending',
  desiredState: 'running',
  generation: 1,
  restartCount: 0,
  vmmState: null,
  ...change,
});

describe('an instance with nobody at work on it', () => {
  it.each([
    [{ restartCount: 1 }, { kind: 'start-instance', initiator: 'restart-policy', stage: 'place' }],
    [{ state: 'running' }, { kind: 'start-instance', initiator: 'reconcile' }],
    [
      { state: 'starting', vmmState: 'starting' },
      { kind: 'move-instance', stage: 'dispatch' },
    ],
    [
      { state: 'failed', vmmState: 'starting' },
      { kind: 'stop-instance', state: 'failed' },
    ],
    [
      { desiredState: 'stopped', state: 'running', vmmState: 'running' },
      { kind: 'stop-instance', state: 'stopping' },
    ],
    [
      { desiredState: 'deleted', state: 'unknown', vmmState: 'running' },
      { kind: 'delete-instance', state: 'deleting' },
    ],
    [
      { desiredState: 'paused', state: 'running', vmmState: 'running' },
      { kind: 'pause-instance', state: 'running' },
    ],
    [
      { state: 'paused', vmmState: 'paused' },
      { kind: 'resume-instance', state: 'paused' },
    ],
    [
      { desiredState: 'suspended', state: 'running', vmmState: 'running' },
      { kind: 'suspend-instance', state: 'running' },
    ],
    [
      { desiredState: 'suspended', state: 'paused', vmmState: 'paused' },
      { kind: 'suspend-instance', state: 'paused' },
    ],
    [{ state: 'suspended' }, { kind: 'start-instance', stage: 'place' }],
    [{ desiredState: 'paused' }, { kind: 'start-instance', stage: 'place' }],
  ] as const)('that is %j gets %j', (change, operation) => {
    expect(decideGap(gapOf(change))).toMatchObject(operation);
  });

  it.each([
    { state: 'failed' },
    { state: 'unknown', vmmState: 'unknown' },
    { desiredState: 'stopped', state: 'failed' },
  ] as const)('that is %j is left as it is', (change) => {
    expect(decideGap(gapOf(change))).toBeNull();
  });

  it('never gets an operation that its tables forbid, nor a start beside a live vmm', () => {
    const gap = fc.record({
      state: fc.constantFrom(...statesOf(instanceTransitions).filter((state) => state !== 'deleted')),
      desiredState: fc.constantFrom(...desiredStates),
      vmmState: fc.constantFrom(...statesOf(vmmTransitions).filter((state) => state !== 'gone'), null),
    });
    fc.assert(
      fc.property(gap, (change) => {
        const asked = decideGap(gapOf(change));
        if (asked === null) return;
        const isMove = asked.state === change.state || isAllowed(instanceTransitions, change.state, asked.state);
        expect([isMove, asked.stage === 'place' && change.vmmState !== null]).toEqual([true, false]);
      }),
    );
  });
});
