import type { OverdueOperation } from '@berth/database/deadline.repository.js';
import { describe, expect, it } from 'vitest';
import { decideDeadline } from './decide-deadline.js';

const overdue = (change: Partial<OverdueOperation>): OverdueOperation => ({
  operationId: 'o',
  kind: 'create-instance',
  initiator: 'user',
  stage: 'node',
  instanceId: 'i',
  instanceState: 'starting',
  reason: null,
  node: 'n1',
  nodeState: 'up',
  ...change,
});

describe('an operation whose time is up', () => {
  it('of a user who asked for a start gives the start up', () => {
    expect(decideDeadline(overdue({}))).toMatchObject({
      problem: { code: 'deadline-exceeded' },
      instance: { state: 'failed' },
    });
  });

  it('that found no node says why', () => {
    const reason = 'none of 3 nodes fits';
    expect(decideDeadline(overdue({ stage: 'place', instanceState: 'pending', reason }))).toMatchObject({
      problem: { code: 'no-node-fits', detail: reason },
      instance: { state: 'failed', reason },
    });
  });

  it('of a loop leaves the instance to be started later', () => {
    const outcome = decideDeadline(overdue({ initiator: 'restart-policy', stage: 'place', instanceState: 'pending' }));
    expect(outcome.instance).toMatchObject({ state: 'pending', restartAfterMs: expect.any(Number) as number });
  });

  it('names the node that did not answer', () => {
    expect(decideDeadline(overdue({ nodeState: 'unreachable' })).problem).toMatchObject({
      code: 'node-unreachable',
      detail: 'node n1 did not answer in time',
    });
  });

  it('and is a stop or a delete changes nothing of what is wished', () => {
    for (const kind of ['stop-instance', 'delete-instance', 'drain-node'] as const) {
      expect(decideDeadline(overdue({ kind, instanceState: 'stopping' })).instance).toBeUndefined();
    }
  });
});
