import { policies } from '@berth/scheduling/policy.js';
import { describe, expect, it } from 'vitest';
import { PowerCurve } from '../power/curve.js';
import { seededRandom } from '../random.js';
import { arrivalsOf, replayEndS } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import { lowerBound } from './lower-bound.js';
import { PackingReplay } from './replay.js';
import type { PackingOptions, PackingSummary } from './replay.js';
import { syntheticArrivals } from './synthetic-arrivals.js';

// Synthetic requests, so that the promises hold without the data sets; the Azure figures stand in docs/benchmarks.md.
const node = { cpuMillis: 64_000, memoryMib: 262_144, diskGib: 100 };
const arrivals = syntheticArrivals(20_000, seededRandom(7));
const power = new PowerCurve([100, 300]);
const bound = lowerBound(arrivals, node, replayEndS(arrivals));

function pack(of: Arrivals, options: Partial<PackingOptions>): PackingSummary {
  const defaults = {
    node,
    nodes: 600,
    policy: policies.berth,
    learn: true,
    offsetsS: [0],
    relearnIntervalS: 3600,
    power,
  };
  return new PackingReplay(of, { ...defaults, endS: replayEndS(of), migrationsPer1000: 0, ...options }).run();
}

describe('PackingReplay', () => {
  const berth = pack(arrivals, {});

  it('places everything and never beats the bound', () => {
    expect(berth).toMatchObject({ placed: arrivals.count, rejected: 0, migrations: 0 });
    expect(berth.nodeHours).toBeGreaterThan(bound.nodeHours);
    expect(berth.peakNodes).toBeGreaterThanOrEqual(bound.peakNodes);
  });

  it('gains on best fit by what it learns, and on itself by moving within its budget', () => {
    const bestFit = pack(arrivals, { policy: policies['best-fit'], learn: false });
    const moving = pack(arrivals, { migrationsPer1000: 30 });
    const over = ({ nodeHours }: PackingSummary): number => nodeHours / bound.nodeHours - 1;
    expect(over(berth)).toBeLessThan(0.9 * over(bestFit));
    expect(over(moving)).toBeLessThan(0.6 * over(berth));
    expect(moving.migrations).toBeGreaterThan(0);
    expect(moving.migrations).toBeLessThanOrEqual(0.03 * moving.placed);
  });

  it('gives the same answer twice', () => {
    expect(pack(arrivals, { migrationsPer1000: 30 })).toEqual(pack(arrivals, { migrationsPer1000: 30 }));
  });

  it('counts node-hours and energy exactly, to the end and no further', () => {
    const one = arrivalsOf([{ startS: 0, durationS: 7200, cpuMillis: 32_000, memoryMib: 1024, batch: 0 }]);
    expect(pack(one, { endS: 36_000 })).toMatchObject({ nodeHours: 2, peakNodes: 1, energyKwh: 0.4, events: 2 });
    expect(pack(one, { endS: 3600 })).toMatchObject({ nodeHours: 1, energyKwh: 0.2, events: 1 });
  });

  it('charges idle energy by reserved memory and the rest by CPU, whoever comes and goes beside', () => {
    // 32 of 64 CPUs and half the memory for two hours; in the second one, the same again from the second project.
    const one = arrivalsOf([{ startS: 0, durationS: 7200, cpuMillis: 32_000, memoryMib: 131_072, batch: 0 }]);
    const { projectJoules, unallocatedJoules, projectMibSeconds } = pack(one, { offsetsS: [0, 3600], endS: 7200 });
    expect(projectJoules[0]).toBeCloseTo((50 + 100) * 3600 + (50 + 100) * 3600, 3);
    expect(projectJoules[1]).toBeCloseTo((50 + 100) * 3600, 3);
    expect(unallocatedJoules).toBeCloseTo(50 * 3600, 3);
    expect([...projectMibSeconds]).toEqual([131_072 * 7200, 131_072 * 3600]);
  });

  it('charges all energy to somebody, moves and the last moment included', () => {
    const summary = pack(arrivals, { migrationsPer1000: 30, offsetsS: [0, 900, 7200], nodes: 1200 });
    const charged = summary.projectJoules.reduce((sum, joules) => sum + joules, summary.unallocatedJoules);
    expect(charged / 3.6e6 / summary.energyKwh).toBeCloseTo(1, 11);
    expect(summary.projectJoules.every((joules) => joules > 0)).toBe(true);
  });

  it('replays the trace once for each offset', () => {
    const one = arrivalsOf([{ startS: 0, durationS: 3600, cpuMillis: 1000, memoryMib: 1024, batch: 0 }]);
    expect(pack(one, { offsetsS: [0, 1800, 9000], endS: 20_000 })).toMatchObject({
      placed: 3,
      nodeHours: 2.5,
      peakNodes: 1,
    });
  });

  it('reports what fits no node instead of losing it', () => {
    const big = arrivalsOf([{ startS: 0, durationS: 60, cpuMillis: 65_000, memoryMib: 1, batch: 0 }]);
    expect(pack(big, {})).toMatchObject({ placed: 0, rejected: 1, nodeHours: 0 });
  });
});

describe('lowerBound', () => {
  it('is the integral of the nodes that the scarcer resource needs', () => {
    const two = arrivalsOf([
      { startS: 0, durationS: 3600, cpuMillis: 65_000, memoryMib: 1, batch: 0 },
      { startS: 1800, durationS: 7200, cpuMillis: 1000, memoryMib: 3 * 262_144, batch: 1 },
    ]);
    expect(lowerBound(two, node, 5400)).toEqual({ nodeHours: (2 * 1800 + 4 * 1800 + 3 * 1800) / 3600, peakNodes: 4 });
  });
});
