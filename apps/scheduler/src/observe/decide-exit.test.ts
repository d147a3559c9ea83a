import type { ExitFacts } from '@berth/database/exit-facts.js';
import {
  desiredStates,
  instanceTransitions,
  restartPolicies,
  type DesiredState,
  type InstanceState,
} from '@berth/domain/instance-state.js';
import { operationKinds } from '@berth/domain/operation-state.js';
import { isAllowed, statesOf } from '@berth/domain/transition.js';
import { engineFailureReasons, exitReasons } from '@berth/domain/vmm-state.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideExit, restartBackoffMs, restartForgivenAfterMs, startsMax } from './decide-exit.js';

const exit: NonNullable<ExitFacts['exit']> = {
  reason: 'killed',
  detail: 'signal 9',
  problem: null,
  isCurrent: true,
  ranMs: 5_000,
  driver: 'kvm',
  nextDriver: null,
};
const factsOf = (change: {
  instance?: Partial<ExitFacts['instance']>;
  exit?: Partial<ExitFacts['exit']> | null;
  operation?: ExitFacts['operation'];
}): ExitFacts => ({
  instance: {
    id: 'i',
    name: 'web',
    state: 'running',
    desiredState: 'running',
    restartPolicy: 'always',
    restartCount: 0,
    generation: 1,
    isSaved: false,
    ...change.instance,
  },
  exit: change.exit === null ? null : { ...exit, ...change.exit },
  operation: change.operation ?? null,
});
const starting = (startCount = 1): ExitFacts['operation'] => ({
  id: 'o',
  kind: 'create-instance',
  startsIt: true,
  startCount,
});

describe('a guest whose engine failed', () => {
  const failed = { reason: 'engine-failed', detail: 'internal-error', driver: 'kvm', nextDriver: 'tcg' } as const;

  it('goes on under the next at once, whatever its restart policy, and no restart is counted', () => {
    const outcome = decideExit(factsOf({ instance: { restartPolicy: 'never', restartCount: 4 }, exit: failed }));
    expect(outcome.instance).toEqual({
      state: 'pending',
      reason: 'kvm failed (guest engine-failed (internal-error)), restarts under tcg',
      failedDriver: 'kvm',
      restartAfterMs: 0,
    });
    expect(outcome.failover).toEqual({ from: 'kvm', to: 'tcg', reason: 'engine-failed' });
    expect(outcome.event?.kind).toBe('InstanceFailedOver');
  });

  it('while it started is started again by the same operation, however often it was tried', () => {
    const outcome = decideExit(factsOf({ exit: failed, operation: starting(startsMax + 1) }));
    expect(outcome).toMatchObject({ operation: 'again', failover: { to: 'tcg' } });
  });

  it.each(engineFailureReasons)('under the last engine (%s) is left to its restart policy', (reason) => {
    const outcome = decideExit(factsOf({ exit: { ...failed, reason, nextDriver: null } }));
    expect(outcome.failover).toBeUndefined();
    expect(outcome.instance).toMatchObject({ state: 'pending', restartCount: 1 });
  });

  it.each(exitReasons.filter((reason) => !engineFailureReasons.includes(reason)))(
    'is told from one that ended otherwise (%s)',
    (reason) => {
      expect(decideExit(factsOf({ exit: { ...failed, reason } })).failover).toBeUndefined();
    },
  );

  it('is told from one whose image is not there', () => {
    const problem = { code: 'image-unavailable', detail: 'no file' } as const;
    const facts = factsOf({ exit: { ...failed, reason: 'start-failed', problem }, operation: starting() });
    expect(decideExit(facts)).toMatchObject({ operation: { state: 'failed' }, instance: { state: 'failed' } });
  });

  it('stays stopped or deleted when that was asked for', () => {
    expect(decideExit(factsOf({ instance: { desiredState: 'stopped' }, exit: failed })).failover).toBeUndefined();
    expect(decideExit(factsOf({ instance: { desiredState: 'deleted' }, exit: failed })).failover).toBeUndefined();
  });
});

describe('a guest that ended by itself', () => {
  it('is restarted at once the first time, then after 1 s, 2 s, 4 s, ... up to a minute', () => {
    expect([0, 1, 2, 3, 10].map(restartBackoffMs)).toEqual([0, 1_000, 2_000, 4_000, 60_000]);
    const { instance } = decideExit(factsOf({ instance: { restartCount: 2 } }));
    expect(instance).toMatchObject({ state: 'pending', restartCount: 3, restartAfterMs: 2_000 });
  });

  it('after ten good minutes begins its count anew', () => {
    const { instance } = decideExit(
      factsOf({ instance: { restartCount: 9 }, exit: { ranMs: restartForgivenAfterMs } }),
    );
    expect(instance).toMatchObject({ restartCount: 1, restartAfterMs: 0 });
  });

  it.each([
    ['always', 'guest-poweroff', 'pending'],
    ['on-failure', 'guest-poweroff', 'stopped'],
    ['on-failure', 'killed', 'pending'],
    ['never', 'killed', 'stopped'],
  ] as const)('with policy %s and reason %s is %s', (restartPolicy, reason, state) => {
    expect(decideExit(factsOf({ instance: { restartPolicy }, exit: { reason } })).instance).toMatchObject({ state });
  });

  it('and is not restarted, is no longer wished to run', () => {
    expect(decideExit(factsOf({ instance: { restartPolicy: 'never' } })).instance).toMatchObject({
      desiredState: 'stopped',
    });
  });
});

describe('a start whose guest is gone', () => {
  it('by an accident is tried again within the operation, and at last fails with the reason', () => {
    expect(decideExit(factsOf({ operation: starting(1) })).operation).toBe('again');
    expect(decideExit(factsOf({ operation: starting(startsMax) })).operation).toMatchObject({
      state: 'failed',
      problem: { code: 'start-failed', detail: 'the guest did not become ready: guest killed (signal 9)' },
    });
  });

  it('because its image cannot be used is not tried again by anybody', () => {
    const problem = { code: 'image-unavailable', detail: 'checksum' } as const;
    const outcome = decideExit(factsOf({ exit: { reason: 'start-failed', problem }, operation: starting() }));
    expect(outcome).toMatchObject({
      instance: { state: 'failed', reason: 'checksum' },
      operation: { state: 'failed', problem },
    });
  });
});

it('a move and a reboot go back to placement when their old vmm is gone', () => {
  const operation = { id: 'o', kind: 'move-instance', startsIt: false, startCount: 0 } as const;
  expect(decideExit(factsOf({ operation, exit: { reason: 'stopped' } }))).toMatchObject({
    operation: 'again',
    instance: { state: 'pending' },
  });
});

it('a move under which the guest ended fails, and the restart policy acts', () => {
  const operation = { id: 'o', kind: 'migrate-instance', startsIt: true, startCount: 1 } as const;
  expect(decideExit(factsOf({ operation, exit: { reason: 'killed' } }))).toMatchObject({
    operation: { state: 'failed', problem: { code: 'migration-failed' } },
    instance: { state: 'pending' },
  });
});

it('a restore goes on when the guest of before is gone, and starts it from the snapshot', () => {
  const operation = { id: 'o', kind: 'restore-instance', startsIt: false, startCount: 0 } as const;
  const outcome = decideExit(factsOf({ exit: { reason: 'stopped' }, operation }));
  expect(outcome).toMatchObject({ operation: 'again', instance: { state: 'pending' } });
});

it.each(['pause-instance', 'suspend-instance', 'resume-instance', 'snapshot-instance'] as const)(
  '%s fails with its guest, and the restart policy acts',
  (kind) => {
    const operation = { id: 'o', kind, startsIt: false, startCount: 0 };
    expect(decideExit(factsOf({ instance: { state: 'paused', desiredState: 'paused' }, operation }))).toMatchObject({
      operation: {
        state: 'failed',
        problem: { code: 'guest-ended', detail: 'the guest ended: guest killed (signal 9)' },
      },
      instance: { state: 'pending' },
    });
    expect(decideExit(factsOf({ exit: null, operation })).instance).toBeUndefined();
  },
);

describe('a suspended guest', () => {
  const suspending = { id: 'o', kind: 'suspend-instance', startsIt: false, startCount: 0 } as const;
  const resuming = { id: 'o', kind: 'resume-instance', startsIt: true, startCount: 1 } as const;

  it('is what its vmm ends as, whatever its restart policy', () => {
    const instance = { desiredState: 'suspended', restartPolicy: 'always' } as const;
    expect(decideExit(factsOf({ instance, exit: { reason: 'suspended' }, operation: suspending }))).toMatchObject({
      instance: { state: 'suspended', desiredState: 'suspended' },
      operation: { state: 'succeeded' },
    });
  });

  it('stays one when it cannot be taken up again, and no other engine tries', () => {
    const instance = { state: 'starting', isSaved: true } as const;
    const exit = { reason: 'start-failed', driver: 'kvm', nextDriver: 'tcg' } as const;
    expect(decideExit(factsOf({ instance, exit, operation: resuming }))).toMatchObject({
      instance: { state: 'suspended', desiredState: 'suspended' },
      operation: { state: 'failed', problem: { code: 'start-failed' } },
    });
  });
});

it('an end of an older generation changes nothing but what it held', () => {
  expect(decideExit(factsOf({ exit: { isCurrent: false } }))).toEqual({});
});

/** States in which the record can hold an instance with such a wish and a vmm that ends. */
const statesWith: Record<DesiredState, readonly InstanceState[]> = {
  running: ['starting', 'running', 'paused', 'unknown'],
  suspended: ['running', 'unknown'],
  paused: ['starting', 'running', 'paused', 'unknown'],
  stopped: ['stopping', 'unknown', 'failed'],
  deleted: ['deleting'],
};
const anyFacts = fc
  .record({
    desiredState: fc.constantFrom(...desiredStates),
    restartPolicy: fc.constantFrom(...restartPolicies),
    reason: fc.constantFrom(...exitReasons),
    kind: fc.constantFrom(...operationKinds, null),
    startsIt: fc.boolean(),
    startCount: fc.integer({ min: 0, max: 5 }),
    restartCount: fc.nat(20),
    nth: fc.nat(2),
    isSaved: fc.boolean(),
  })
  .map(({ desiredState, restartPolicy, reason, kind, startsIt, startCount, restartCount, nth, isSaved }) => {
    const states = statesWith[desiredState];
    return factsOf({
      instance: { desiredState, restartPolicy, restartCount, isSaved, state: states[nth % states.length]! },
      exit: { reason },
      operation: kind === null ? null : { id: 'o', kind, startsIt, startCount },
    });
  });

describe('whatever ends and why', () => {
  it('the instance goes where its table allows, and an open operation ends or goes back', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { instance, operation } = decideExit(facts);
        if (instance) {
          expect(statesOf(instanceTransitions)).toContain(instance.state);
          expect(isAllowed(instanceTransitions, facts.instance.state, instance.state)).toBe(true);
        }
        expect(operation === undefined).toBe(facts.operation === null);
        if (operation === 'again') expect(instance?.state).toBe('pending');
      }),
    );
  });

  it('an instance that is wished to be gone or stopped is never started again', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        fc.pre(['stopped', 'deleted'].includes(facts.instance.desiredState));
        const { instance, operation } = decideExit(facts);
        expect(instance?.state).not.toBe('pending');
        expect(operation).not.toBe('again');
      }),
    );
  });
});

describe('a guest that was to be of another size', () => {
  const resize = (startsIt: boolean) => ({ id: 'o', kind: 'resize-instance', startsIt, startCount: 1 }) as const;

  it('and ended before a place was held for it ends the operation, and its restart policy acts', () => {
    expect(decideExit(factsOf({ operation: resize(false) }))).toMatchObject({
      operation: { state: 'failed', problem: { code: 'guest-ended' } },
      instance: { state: 'pending', restartCount: 1 },
    });
  });

  it('and has it, and is lost while it starts, is started again by the same operation', () => {
    expect(decideExit(factsOf({ operation: resize(true) }))).toMatchObject({ operation: 'again' });
  });

  it.each(restartPolicies)('and was stopped for it in vain starts again, whatever its policy (%s)', (restartPolicy) => {
    expect(decideExit(factsOf({ instance: { restartPolicy }, exit: { reason: 'stopped' } }))).toMatchObject({
      instance: { state: 'pending', restartAfterMs: 0 },
    });
  });
});
