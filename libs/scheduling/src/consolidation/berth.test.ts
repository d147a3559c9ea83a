import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFleet, nodeFlags } from '../fleet.js';
import { policies } from '../policy.js';
import { BerthConsolidator, type BerthRules } from './berth.js';
import { ClassicConsolidator } from './classic.js';
import { interquartile, localRegression, medianDeviation, threshold } from './detection.js';
import type { ConsolidationView, Consolidator, PlannedMove } from './plan.js';
import { maximumCorrelation, minimumMigrationTime, minimumUtilization, randomSelection } from './selection.js';

const RULES: BerthRules = {
  name: 'test',
  readEveryS: 60,
  planEveryS: 60,
  objective: { overloadShare: 0.05, windowS: 10_000, gain: 1 },
  forecast: { meanGain: 0.1, driftGain: 0.2, varianceGain: 0.05, priorWeight: 4 },
  relief: {
    downToShare: 0.9,
    targetShare: 0.95,
    riskWeight: 1,
    remainderWeight: 10,
    balanceWeight: 0.5,
    slownessWeight: 0.1,
    spreadWeight: 10,
  },
  budget: { perRound: 20, perInstanceDay: 10, cooldownS: 120, noReturnS: 600 },
  pace: { movesPerInstanceDay: 1000, patience: 0, leastPatience: 0, mostPatience: 0, gain: 0 },
  shortfallWeight: 5,
  wakeFactor: 1.5,
  emptyEveryS: 120,
  wakeRestS: 120,
  priorRatio: 0.5,
  admissionDeviations: 1,
  reserveNodes: 0,
};

const CONSOLIDATORS: readonly (() => Consolidator)[] = [
  () => new BerthConsolidator(RULES, policies.berth),
  () => new ClassicConsolidator('lr-mmt', localRegression(1.2), minimumMigrationTime, policies.berth),
  () => new ClassicConsolidator('thr-mu', threshold(0.8), minimumUtilization, policies.berth),
  () => new ClassicConsolidator('iqr-mc', interquartile(1.5), maximumCorrelation, policies.berth),
  () =>
    new ClassicConsolidator(
      'mad-rs',
      medianDeviation(2.5),
      randomSelection(() => 0.5),
      policies.berth,
    ),
];

const world = fc.record({
  consolidator: fc.nat(CONSOLIDATORS.length - 1),
  nodes: fc.array(fc.record({ cpu: fc.integer({ min: 500, max: 2000 }), memory: fc.integer({ min: 4, max: 16 }) }), {
    minLength: 2,
    maxLength: 8,
  }),
  instances: fc.array(fc.record({ memory: fc.integer({ min: 1, max: 4 }), level: fc.integer({ min: 0, max: 300 }) }), {
    minLength: 1,
    maxLength: 24,
  }),
  wobble: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 12, maxLength: 40 }),
});

/** A small fleet whose moves take no time. */
class Toy {
  readonly view: ConsolidationView & { nowS: number };
  readonly node: Int32Array;

  constructor({ nodes, instances }: { nodes: { cpu: number; memory: number }[]; instances: { memory: number }[] }) {
    const fleet = buildFleet(
      nodes.map(({ cpu, memory }, i) => ({
        id: `n${i}`,
        capacity: { cpuMillis: cpu, memoryMib: memory, diskGib: 1 },
        overcommitRatio: { cpuMillis: 100 },
      })),
    );
    this.node = new Int32Array(instances.length).fill(-1);
    this.view = {
      nowS: 0,
      fleet,
      instances: {
        requests: instances.map(({ memory }, i) => ({
          id: `i${i}`,
          project: 'p',
          priority: 0,
          cpuMillis: 500,
          memoryMib: memory,
          diskGib: 0,
        })),
        node: this.node,
        demandCpuMillis: new Float64Array(instances.length),
        moving: new Uint8Array(instances.length),
      },
      starting: new Uint8Array(nodes.length),
      power: { idleWatts: Float64Array.from(nodes, () => 100), peakWatts: Float64Array.from(nodes, () => 200) },
      waiting: 0,
      service: { activeS: 0, overloadS: 0 },
    };
  }

  get used(): number {
    return new Set(this.node.filter((at) => at >= 0)).size;
  }
}

describe('consolidators', () => {
  it('keep every state within memory, empty what they drain, and sleep only what is empty', () => {
    fc.assert(
      fc.property(world, (input) => {
        const toy = new Toy(input);
        const { fleet, instances } = toy.view;
        const consolidator = CONSOLIDATORS[input.consolidator]!();
        input.instances.forEach(({ level }, i) => (instances.demandCpuMillis[i] = level));
        const admitted = consolidator.admit(
          toy.view,
          input.instances.map((_, i) => i),
        );
        admitted.forEach((at, i) => (toy.node[i] = at));
        for (const wobble of input.wobble) {
          toy.view.nowS += 60;
          input.instances.forEach(
            ({ level }, i) => (instances.demandCpuMillis[i] = level + ((wobble * (i + 7)) % 200)),
          );
          const before = toy.used;
          const plan = consolidator.decide(toy.view);
          // Both ends of every move are booked now: the fullest state on the way.
          expect(fleet.free.memoryMib.every((free) => free >= 0)).toBe(true);
          for (const { instance, from, to } of plan.moves) {
            expect(toy.node[instance]).toBe(from);
            fleet.release(from, instances.requests[instance]!);
            toy.node[instance] = to;
          }
          const drained = plan.moves.filter(({ reason }) => reason === 'drain').map(({ from }) => from);
          for (const node of drained) expect(fleet.residents[node]).toBe(0);
          const filled = new Set(plan.moves.filter(({ reason }) => reason !== 'drain').map(({ to }) => to));
          expect(toy.used).toBeLessThanOrEqual(before + filled.size);
          if (filled.size === 0) expect(toy.used).toBeLessThanOrEqual(before);
          for (const node of plan.sleep) {
            expect(fleet.residents[node]).toBe(0);
            fleet.setFlags(node, nodeFlags.asleep);
          }
          for (const node of plan.wake) fleet.setFlags(node, 0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('empty the less loaded of two nodes that fit on one', () => {
    const toy = new Toy({
      nodes: [
        { cpu: 1000, memory: 9 },
        { cpu: 1000, memory: 9 },
      ],
      instances: [{ memory: 3 }, { memory: 2 }],
    });
    const { fleet, instances } = toy.view;
    const consolidator = CONSOLIDATORS[0]!();
    instances.demandCpuMillis.set([100, 80]);
    consolidator.admit(toy.view, [0]);
    consolidator.admit(toy.view, [1]);
    fleet.release(0, instances.requests[1]!);
    fleet.apply(1, instances.requests[1]!);
    toy.node.set([0, 1]);
    let plan = consolidator.decide(toy.view);
    for (let round = 0; round < 10 && plan.moves.length === 0; round++) {
      toy.view.nowS += 60;
      plan = consolidator.decide(toy.view);
    }
    expect(plan.moves).toMatchObject([{ instance: 1, from: 1, to: 0, reason: 'drain' }]);
    const [{ risk }] = plan.moves as [PlannedMove];
    expect(risk!.from[1]).toBeLessThan(risk!.from[0]);
    expect(risk!.to[1]).toBeGreaterThan(risk!.to[0]);
  });

  it.each([
    ['berth', CONSOLIDATORS[0]!],
    ['lr-mmt', CONSOLIDATORS[1]!],
  ])('wake a node for instances that wait: %s', (_, create) => {
    const toy = new Toy({
      nodes: [
        { cpu: 1000, memory: 4 },
        { cpu: 1000, memory: 4 },
      ],
      instances: [{ memory: 4 }, { memory: 4 }],
    });
    toy.view.fleet.setFlags(1, nodeFlags.asleep);
    toy.view.instances.demandCpuMillis.fill(100);
    const consolidator = create();
    const placed = consolidator.admit(toy.view, [0, 1]);
    toy.node.set(placed);
    expect(placed.filter((node) => node < 0)).toHaveLength(1);
    expect(consolidator.decide({ ...toy.view, nowS: 60, waiting: 1 }).wake).toEqual([1]);
  });

  it('wake as many nodes at once as the demand that nobody can take would fill', () => {
    const toy = new Toy({
      nodes: Array.from({ length: 6 }, () => ({ cpu: 1000, memory: 9 })),
      instances: Array.from({ length: 8 }, () => ({ memory: 1 })),
    });
    const { fleet, instances } = toy.view;
    for (let node = 1; node < 6; node++) fleet.setFlags(node, nodeFlags.asleep);
    instances.demandCpuMillis.fill(100);
    const consolidator = CONSOLIDATORS[0]!();
    toy.node.set(
      consolidator.admit(
        toy.view,
        instances.requests.map((_, i) => i),
      ),
    );
    toy.view.nowS = 60;
    instances.demandCpuMillis.fill(400);
    // 2,200 milli-CPU too much: three nodes at seven tenths.
    expect(consolidator.decide(toy.view).wake).toHaveLength(3);
  });

  it('relieve overload at each reading, and wake nodes only when they plan', () => {
    const toy = new Toy({
      nodes: Array.from({ length: 3 }, () => ({ cpu: 1000, memory: 3 })),
      instances: Array.from({ length: 4 }, () => ({ memory: 1 })),
    });
    const { fleet, instances } = toy.view;
    const consolidator = new BerthConsolidator(
      { ...RULES, readEveryS: 10, planEveryS: 60, wakeRestS: 0 },
      policies.berth,
    );
    fleet.setFlags(2, nodeFlags.asleep);
    instances.demandCpuMillis.fill(300);
    toy.node.set(consolidator.admit(toy.view, [0, 1, 2, 3]));
    const decideAt = (nowS: number) => consolidator.decide({ ...toy.view, nowS, waiting: 1 });
    expect(decideAt(10)).toMatchObject({ moves: [], wake: [2] });
    const [busy] = toy.node;
    toy.node.forEach((node, i) => (instances.demandCpuMillis[i] = node === busy ? 400 : 200));
    const { moves, wake } = decideAt(20);
    expect(moves).toMatchObject([{ from: busy, reason: 'overload' }]);
    expect(wake).toEqual([]);
    expect(decideAt(70).wake).toEqual([2]);
  });

  it('relieve a node of small instances as well', () => {
    const toy = new Toy({
      nodes: [
        { cpu: 4000, memory: 99 },
        { cpu: 4000, memory: 99 },
      ],
      instances: Array.from({ length: 25 }, () => ({ memory: 1 })),
    });
    const { fleet, instances } = toy.view;
    instances.demandCpuMillis.fill(100);
    const consolidator = CONSOLIDATORS[0]!();
    consolidator.admit(toy.view, [24]);
    fleet.setFlags(1, nodeFlags.asleep);
    consolidator.admit(
      toy.view,
      instances.requests.map((_, i) => i).filter((i) => i < 24),
    );
    fleet.setFlags(1, 0);
    fleet.release(0, instances.requests[24]!);
    fleet.apply(1, instances.requests[24]!);
    toy.node.fill(0);
    toy.node[24] = 1;
    toy.view.nowS = 60;
    instances.demandCpuMillis.fill(190);
    const { moves } = consolidator.decide(toy.view);
    expect(moves.length).toBeGreaterThan(0);
    expect(moves.every(({ from, to, reason }) => from === 0 && to === 1 && reason === 'overload')).toBe(true);
  });
});
