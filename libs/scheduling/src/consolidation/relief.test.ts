import { describe, expect, it } from 'vitest';
import { buildFleet } from '../fleet.js';
import { policies } from '../policy.js';
import { DemandBook } from './demand-book.js';
import { MoveGuard } from './move-guard.js';
import { Mover } from './mover.js';
import { NodeLoads } from './node-loads.js';
import type { ConsolidationView } from './plan.js';
import { relieve } from './relief.js';

const RULES = {
  downToShare: 0.9,
  targetShare: 0.95,
  riskWeight: 1,
  remainderWeight: 10,
  balanceWeight: 0.5,
  slownessWeight: 0.1,
  spreadWeight: 20,
};

interface Resident {
  readonly node: number;
  readonly mean: number;
  readonly now: number;
  readonly variance: number;
}

/** Moves from nodes of 1000 milli-CPU. */
function movesOf(residents: readonly Resident[], patience: number) {
  const nodes = 1 + Math.max(...residents.map(({ node }) => node));
  const fleet = buildFleet(
    Array.from({ length: nodes }, (_, i) => ({
      id: `n${i}`,
      capacity: { cpuMillis: 1000, memoryMib: 1000, diskGib: 1 },
      overcommitRatio: { cpuMillis: 100 },
    })),
  );
  const request = (i: number) => ({ id: `i${i}`, project: 'p', priority: 0, cpuMillis: 500, memoryMib: 9, diskGib: 0 });
  const requests = residents.map((_, i) => request(i));
  residents.forEach(({ node }, i) => fleet.apply(node, requests[i]!));
  const view: ConsolidationView = {
    nowS: 0,
    fleet,
    instances: {
      requests,
      node: Int32Array.from(residents, ({ node }) => node),
      demandCpuMillis: Float64Array.from(residents, ({ now }) => now),
      moving: new Uint8Array(residents.length),
    },
    starting: new Uint8Array(nodes),
    power: { idleWatts: new Float64Array(nodes).fill(100), peakWatts: new Float64Array(nodes).fill(200) },
    waiting: 0,
    service: { activeS: 0, overloadS: 0 },
  };
  const book = new DemandBook({ meanGain: 0.1, driftGain: 0, varianceGain: 0.1, priorWeight: 1 });
  residents.forEach(({ mean, variance }, i) => {
    book.open(i, 0, mean, 500);
    book.variance[i] = variance;
  });
  const loads = new NodeLoads(view, book, 5);
  const guard = new MoveGuard({ perRound: 9, perInstanceDay: 9, cooldownS: 0, noReturnS: 0 });
  const mover = new Mover(view, loads, policies.berth, guard);
  relieve(loads, mover, RULES, patience);
  return mover.moves.map(({ instance, to }) => ({ instance, to }));
}

const calm = (node: number, mean: number, now = mean): Resident => ({ node, mean, now, variance: 100 });

describe('relieve', () => {
  const burst = [calm(0, 300, 520), calm(0, 300, 520), calm(1, 300)];

  it('waits for an overload to pass that is small beside what is free on average', () => {
    expect(movesOf(burst, 0)).toHaveLength(1);
    expect(movesOf(burst, 0.2)).toEqual([]);
  });

  it('has no patience with a node whose mean demand fills it', () => {
    expect(movesOf([calm(0, 500, 520), calm(0, 500, 520), calm(1, 300)], 0.2)).toHaveLength(1);
  });

  it('sends a bursty instance to where bursty ones are', () => {
    const bursty = (node: number, mean: number, now: number): Resident => ({ node, mean, now, variance: 1600 });
    const calmTarget = [calm(1, 150), calm(1, 150)];
    const burstyTarget = [bursty(2, 150, 150), bursty(2, 150, 150)];
    const moves = movesOf([bursty(0, 300, 550), calm(0, 480), calm(0, 10), ...calmTarget, ...burstyTarget], 0);
    expect(moves).toEqual([{ instance: 0, to: 2 }]);
  });
});
