import { describe, expect, it } from 'vitest';
import type { ConsolidationPlan, Consolidator, PlannedMove } from '@berth/scheduling/consolidation/plan.js';
import { DEFAULT_COST } from '../cost/cost-model.js';
import type { InstanceTrace, Workload } from '../demand/workload.js';
import { ml110Fleet, type Fleet } from '../fleet/fleet.js';
import { PowerCurve } from '../power/curve.js';
import { PLANETLAB_MIGRATION } from '../power/migration.js';
import { runScenario, type Scenario } from '../scenario.js';
import { seriesLines } from '../report/series.js';
import { synthetic } from '../traces/synthetic.js';
import { BERTH } from '../berth-rules.js';
import { Replay } from './replay.js';

const NODE = {
  ...ml110Fleet(1, false).nodes[0]!,
  cpuMillis: 1000,
  memoryMib: 1000,
  cpuOvercommit: 4,
  memoryOvercommit: 1,
  power: new PowerCurve([100, 200]),
};

function instance(id: string, shares: number[], more: Partial<InstanceTrace> = {}): InstanceTrace {
  const size = { project: 'p', cpuMillis: 2000, memoryMib: 500, diskGib: 0, startS: 0, endS: Infinity };
  return { id, ...size, shares: Float32Array.from(shares), ...more };
}

/** Places on the first node that fits; moves as it is told. */
function scripted(script: (nowS: number) => Partial<ConsolidationPlan>): Consolidator {
  return {
    name: 'scripted',
    admit: ({ fleet, instances }, arrivals) =>
      arrivals.map((slot) => {
        const request = instances.requests[slot]!;
        const node = fleet.flags.findIndex((flags, i) => flags === 0 && fleet.fits(i, request));
        if (node >= 0) fleet.apply(node, request);
        return node;
      }),
    decide: ({ nowS, fleet, instances }) => {
      const plan = { moves: [], wake: [], sleep: [], ...script(nowS) };
      for (const { instance: slot, to } of plan.moves) fleet.apply(to, instances.requests[slot]!);
      return plan;
    },
  };
}

function replay(
  workload: Pick<Workload, 'instances' | 'durationS'>,
  fleet: Fleet,
  consolidator: Consolidator,
  failures = 0,
) {
  return new Replay({
    workload: { name: 'test', sampleS: 300, rejections: [], ...workload },
    fleet,
    consolidator,
    migration: PLANETLAB_MIGRATION,
    decideEveryS: 100,
    observeEveryS: 50,
    failuresPerNodeYear: failures,
    repairS: 100,
    seed: 1,
  }).run();
}

/** Every fifth instance, so that all kinds are there. */
function small(workload: Workload): Workload {
  return { ...workload, instances: workload.instances.filter((_, i) => i % 5 === 0) };
}

const scenario: Scenario = {
  workload: small(synthetic('planetlab', 5)),
  fleet: ml110Fleet(800, false),
  cost: DEFAULT_COST,
  policy: 'berth',
  seed: 1,
  migration: PLANETLAB_MIGRATION,
  observeEveryS: 300,
  failuresPerNodeYear: 0,
};

describe('Replay', () => {
  it('integrates energy and overload exactly between samples', () => {
    // Demand rises from 0 to 2000 of 1000 milli-CPU in 300 s: half of the time above capacity.
    const fleet = { name: 'one', nodes: [NODE] };
    const result = replay(
      { instances: [instance('a', [0, 1])], durationS: 300 },
      fleet,
      scripted(() => ({})),
    );
    const start = 200 * NODE.startS;
    expect(result.energyKwh * 3.6e6).toBeCloseTo(start + 150 * 150 + 200 * 150, 6);
    expect(result.slatahPercent).toBeCloseTo(50, 6);
    // Above capacity by 500 on average for half of the time, of a mean demand of 1000.
    expect(result.unservedPercent).toBeCloseTo(25, 6);
    expect(result.instanceJoules[0]! + result.unallocatedJoules).toBeCloseTo(result.energyKwh * 3.6e6, 6);
  });

  it('charges a migration to both nodes and to the instance', () => {
    const fleet = { name: 'two', nodes: [NODE, NODE] };
    const away: PlannedMove = { instance: 0, from: 0, to: 1, reason: 'overload' };
    const instances = [instance('a', [0.25, 0.25]), instance('b', [0.1], { memoryMib: 900 })];
    const stay = replay(
      { instances, durationS: 300 },
      fleet,
      scripted(() => ({})),
    );
    const moved = replay(
      { instances: [instance('a', [0.25, 0.25]), instance('b', [0.1], { memoryMib: 100 })], durationS: 300 },
      fleet,
      scripted((nowS) => ({ wake: nowS === 100 ? [1] : [], moves: nowS === 200 ? [away] : [] })),
    );
    // 500 MiB at 62.5 MiB/s: 8 s, in which 10 % of 500 milli-CPU are lost and added to the target.
    expect(moved.migrations).toBe(1);
    expect(moved.pdmPercent).toBeCloseTo((100 * 0.1 * 500 * 8) / (700 * 300), 6);
    expect(moved.nodeHours * 3600).toBeCloseTo(300 + 200, 6);
    expect(stay.nodeHours * 3600).toBeCloseTo(600, 6);
  });

  it('gives the same bytes for the same seed, and the same energy however often it is looked at', () => {
    const once = runScenario(scenario);
    const again = runScenario(scenario);
    expect(JSON.stringify(again.summary)).toBe(JSON.stringify(once.summary));
    expect([...seriesLines(again.observations)]).toEqual([...seriesLines(once.observations)]);
    const closer = runScenario({ ...scenario, observeEveryS: 60 });
    expect(closer.observations.length).toBeGreaterThan(once.observations.length);
    expect({ ...closer.summary, events: 0 }).toEqual({ ...once.summary, events: 0 });
  }, 60_000);

  it('charges projects to the last micro-cent', () => {
    const { cost } = runScenario(scenario).summary;
    const parts = Object.values(cost!.byProjectMicroCents).map(BigInt);
    expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(BigInt(cost!.totalMicroCents));
  });

  it('moves no instance within its cooldown, nor back to a node it has just left', () => {
    const moves: { timeS: number; move: PlannedMove }[] = [];
    runScenario({ ...scenario, onMove: (timeS, move) => void moves.push({ timeS, move }) });
    expect(moves.length).toBeGreaterThan(0);
    for (const { timeS, move } of moves) {
      const earlier = moves.filter((other) => other.timeS < timeS && other.move.instance === move.instance);
      expect(earlier.every((other) => timeS - other.timeS >= BERTH.budget.cooldownS)).toBe(true);
      const left = earlier.filter((other) => other.move.from === move.to);
      expect(left.every((other) => timeS - other.timeS >= BERTH.budget.noReturnS)).toBe(true);
    }
  });

  it('loses no instance when nodes fail, and counts those larger than any node', () => {
    const { summary } = runScenario({ ...scenario, failuresPerNodeYear: 200 });
    expect(summary.restarts).toBeGreaterThan(0);
    expect([summary.instancesLost, summary.instancesPlaced]).toEqual([0, 211]);
    const huge = replay(
      { instances: [instance('a', [0.1]), instance('huge', [0.1], { memoryMib: 2000 })], durationS: 300 },
      { name: 'one', nodes: [NODE] },
      scripted(() => ({})),
    );
    expect([huge.instancesPlaced, huge.instancesRejected, huge.instancesLost]).toEqual([1, 1, 0]);
  });

  it('serves a day like PlanetLab for 1.13 times the least energy, in the overload and the moves it is allowed', () => {
    const { summary } = runScenario({ ...scenario, workload: synthetic('planetlab', 5) });
    expect(summary.energyKwh).toBeLessThan(1.13 * summary.floorKwh!);
    expect(summary.slatahPercent).toBeLessThan(5.2);
    expect(summary.pdmPercent).toBeLessThan(0.02);
    expect(summary.migrationsPerInstanceDay).toBeLessThan(2.2);
  }, 60_000);

  it('follows demand that rises fivefold in a morning, and falls again', () => {
    const office = synthetic('office', 1);
    // Those that one node can serve.
    const instances = office.instances.filter(({ cpuMillis }) => cpuMillis <= 2000);
    const workload = { ...office, instances, durationS: 86_400 };
    const { summary, observations } = runScenario({ ...scenario, workload });
    const nodesAt = (hour: number) => observations.find(({ timeS }) => timeS === hour * 3600)!.nodesOn;
    expect(summary.unservedPercent).toBeLessThan(2);
    expect(nodesAt(13)).toBeGreaterThan(2 * nodesAt(6));
    expect(nodesAt(23)).toBeLessThan(nodesAt(13) / 2);
  });

  it('keeps memory within what nodes have when it is enforced', () => {
    const fleet = ml110Fleet(800, true);
    const { summary } = runScenario({ ...scenario, fleet });
    expect(summary.instancesPlaced).toBe(211);
    // 106 of 1740 MiB go in pairs, 53 of 613 MiB beside them, 52 of 870 MiB in fours: 53 and 13 nodes.
    expect(summary.peakNodes).toBe(66);
  });
});
