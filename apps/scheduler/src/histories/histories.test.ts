import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedDatacenter } from './simulated-datacenter.fixture.js';

const nodeCount = 3;
const scriptTicks = 60;
/** P10 and the longest restart back-off; P2 of what was under way when the faults ended. */
const healTicks = 400;
/** What nobody waits for comes to light by then: an orphan, a vmm that is lost. */
const quietTicks = 30;

type Act = (at: SimulatedDatacenter) => void;
interface Step {
  readonly tick: number;
  readonly what: string;
  readonly act: Act;
}

const step = (what: string, act: (at: SimulatedDatacenter, nth: number, seconds: number) => void): fc.Arbitrary<Step> =>
  fc
    .record({ tick: fc.nat(scriptTicks), nth: fc.nat(nodeCount - 1), seconds: fc.nat(40) })
    .map(({ tick, nth, seconds }) => ({
      tick,
      what: `${tick}: ${what} ${nth} ${seconds}`,
      act: (at) => act(at, nth, seconds),
    }));

const until = (at: SimulatedDatacenter, seconds: number): number => at.nowMs + seconds * 1_000;
const pause = (at: SimulatedDatacenter, nth: number, desired: 'paused' | 'running'): void => {
  const all = [...at.record.instances.values()];
  const chosen = all[nth % Math.max(1, all.length)];
  if (chosen) at.record.pause(chosen, desired);
};
const anyStep = fc.oneof(
  { weight: 5, arbitrary: step('create stop', (at) => at.record.create('stop')) },
  { weight: 2, arbitrary: step('create keep', (at) => at.record.create('keep')) },
  {
    weight: 2,
    arbitrary: step('delete', (at, _, seconds) => {
      const all = [...at.record.instances.values()];
      const chosen = all[seconds % Math.max(1, all.length)];
      if (chosen) at.record.delete(chosen);
    }),
  },
  { weight: 3, arbitrary: step('pause', (at, _, seconds) => pause(at, seconds, 'paused')) },
  { weight: 2, arbitrary: step('resume', (at, _, seconds) => pause(at, seconds, 'running')) },
  { weight: 2, arbitrary: step('kill a guest on', (at, nth, seconds) => at.nodes[nth]!.killOne(seconds % 3)) },
  {
    weight: 3,
    arbitrary: step('pause worker', (at, nth, seconds) => (at.nodes[nth]!.pausedUntilMs = until(at, seconds))),
  },
  { weight: 3, arbitrary: step('cut off', (at, nth, seconds) => (at.nodes[nth]!.cutUntilMs = until(at, seconds))) },
  { weight: 2, arbitrary: step('freeze', (at, nth, seconds) => (at.nodes[nth]!.frozenUntilMs = until(at, seconds))) },
  { weight: 1, arbitrary: step('flush', (at) => at.flush()) },
  { weight: 1, arbitrary: step('no scheduler', (at, _, seconds) => (at.schedulerDownUntilMs = until(at, seconds))) },
  { weight: 1, arbitrary: step('late jobs', (at, nth) => (at.jobDelayMs = nth * 7_000)) },
  { weight: 1, arbitrary: step('double jobs', (at, nth) => (at.jobCopies = nth + 1)) },
);

/** Runs a script of faults, heals, and lets the datacenter settle. P3 and P4 are checked at every tick on the way. */
function play(script: readonly Step[]): SimulatedDatacenter {
  const datacenter = new SimulatedDatacenter(nodeCount);
  for (let tick = 0; tick <= scriptTicks; tick++) {
    for (const one of script) if (one.tick === tick) one.act(datacenter);
    datacenter.tick();
  }
  datacenter.heal();
  for (let tick = 0; tick < healTicks && (tick < quietTicks || !datacenter.isSettled); tick++) datacenter.tick();
  return datacenter;
}

const at = (tick: number, act: Act): Step => ({ tick, what: '', act });

describe('found before', () => {
  it('a worker that was paused does not start what was given up meanwhile', () => {
    const script = [
      at(0, ({ record }) => record.create('stop')),
      at(0, (all) => (all.nodes[0]!.pausedUntilMs = until(all, 17))),
    ];
    const { record, nodes, nowMs } = play(script);
    expect(nodes.flatMap((node) => node.executing(nowMs))).toEqual(['i0']);
    expect(record.instances.get('i0')).toMatchObject({ state: 'running', generation: 2 });
  });
});

describe('after any history of faults', () => {
  it('everything ends: one guest for each instance that is to run, nothing of the others', () => {
    const script = fc.array(anyStep, { maxLength: 25 });
    fc.assert(
      fc.property(script, (steps) => {
        const { record, nodes, nowMs } = play(steps);
        expect(
          record.operations.filter(({ stage, createdMs }) => stage !== 'done' && nowMs - createdMs > 121_000),
        ).toEqual([]);
        const guests = nodes.flatMap((node) => node.executing(nowMs)).toSorted();
        const living = [...record.vmms.values()].filter(({ state }) => state !== 'gone');
        expect(living.map(({ id }) => id).toSorted()).toEqual(nodes.flatMap(({ vmmIds }) => vmmIds).toSorted());
        const inState = (wanted: string): string[] =>
          [...record.instances.values()].filter(({ state }) => state === wanted).map(({ id }) => id);
        const running = [...inState('running'), ...inState('paused')];
        expect(guests).toEqual(running.toSorted());
        expect(nodes.flatMap((node) => node.pausedIds).toSorted()).toEqual(inState('paused').toSorted());
        const unsettled = [...record.instances.values()].filter(
          ({ state, desired }) => state !== desired && state !== 'failed' && state !== 'pending',
        );
        expect(unsettled).toEqual([]);
        // what waits, waits for room
        const waiting = [...record.instances.values()].filter(({ state }) => state === 'pending').length;
        if (waiting > 0) expect(running.length).toBe(nodeCount * 4);
      }),
      { numRuns: 500 },
    );
  });
});
