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
  readonly memoryMib?: number;
}

/** Moves between nodes of 1000 milli-CPU and 2000 MiB, at most `perRound`. */
function movesOf(residents: readonly Resident[], patience: number, perRound = 9) {
  const nodes = 1 + Math.max(...residents.map(({ node }) => node));
  const fleet = buildFleet(
    Array.from({ length: nodes }, (_, i) => ({
      id: `n${i}`,
      capacity: { cpuMillis: 1000, memoryMib: 2000, diskGib: 1 },
      overcommitRatio: { cpuMillis: 100 },
    })),
  );
  const requests = residents.map(({ memoryMib = 9 }, i) => ({
    id: `i${i}`,
    project: 'p',
    priority: 0,
    cpuMillis: 500,
    memoryMib,
    diskGib: 0,
  }));
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
  const guard = new MoveGuard({ perRound, perInstanceDay: 9, cooldownS: 0, noReturnS: 0 });
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

  it('leaves a node alone that is just full', () => {
    expect(movesOf([calm(0, 500), calm(0, 500), calm(1, 300)], 0)).toEqual([]);
  });

  it('relieves a node before it is full where patience is negative', () => {
    const nearlyFull = [calm(0, 400, 480), calm(0, 400, 480), calm(1, 300)];
    expect(movesOf(nearlyFull, 0)).toEqual([]);
    expect(movesOf(nearlyFull, -0.3)).toHaveLength(1);
  });

  it('moves no more than it takes', () => {
    const moves = movesOf([calm(0, 300), calm(0, 300), calm(0, 300), calm(0, 300), calm(1, 10), calm(2, 10)], 0);
    expect(moves).toHaveLength(1);
  });

  it('moves on until the overload is gone', () => {
    const five = Array.from({ length: 5 }, () => calm(0, 300));
    expect(movesOf([...five, calm(1, 10), calm(2, 10)], 0)).toHaveLength(2);
  });

  it('begins with the worst node when moves are few', () => {
    const bad = [calm(0, 510), calm(0, 510)];
    const worse = [calm(1, 600), calm(1, 600)];
    const [move, ...rest] = movesOf([...bad, ...worse, calm(2, 10)], 0, 1);
    expect(rest).toEqual([]);
    expect([2, 3]).toContain(move!.instance);
  });

  it('takes six instances from a node in one round at most', () => {
    const crowd = Array.from({ length: 20 }, () => calm(0, 160));
    const room = [1, 2, 3, 4, 5].map((node) => calm(node, 10));
    expect(movesOf([...crowd, ...room], 0, 99)).toHaveLength(6);
  });

  it('overloads nobody in turn: a target keeps its room, and without one nothing moves', () => {
    const hot = [calm(0, 300, 520), calm(0, 300, 520)];
    expect(movesOf([...hot, calm(1, 440), calm(2, 420)], 0)).toMatchObject([{ to: 2 }]);
    expect(movesOf([...hot, calm(1, 440)], 0)).toEqual([]);
  });

  it('spends no move on an instance that would hardly be missed', () => {
    const hot = [...Array.from({ length: 8 }, () => calm(0, 140)), { ...calm(0, 60), memoryMib: 1 }];
    const moved = movesOf([...hot, calm(1, 10)], 0, 1);
    expect(moved).toHaveLength(1);
    expect(moved[0]!.instance).not.toBe(8);
    expect(movesOf([...Array.from({ length: 30 }, () => calm(0, 40)), calm(1, 10)], 0)).toEqual([]);
  });

  it('prefers the instance with less memory to copy', () => {
    const heavy = { ...calm(0, 300, 520), memoryMib: 900 };
    const light = { ...calm(0, 300, 520), memoryMib: 300 };
    expect(movesOf([heavy, light, calm(1, 100)], 0)).toMatchObject([{ instance: 1 }]);
    expect(movesOf([light, heavy, calm(1, 100)], 0)).toMatchObject([{ instance: 0 }]);
  });

  it('prefers the instance whose leaving is enough', () => {
    expect(movesOf([calm(0, 200, 200), calm(0, 200, 200), calm(0, 650), calm(1, 10)], 0)).toMatchObject([
      { instance: 0 },
    ]);
    expect(movesOf([calm(0, 160), calm(0, 300), calm(0, 640), calm(1, 10)], 0)).toMatchObject([{ instance: 1 }]);
  });

  it('prefers the target that is least busy, and of equals the one with the lower mean', () => {
    const hot = [calm(0, 300, 520), calm(0, 300, 520)];
    expect(movesOf([...hot, calm(1, 300), calm(2, 100)], 0)).toMatchObject([{ to: 2 }]);
    const spread = (node: number, mean: number): Resident => ({ node, mean, now: 200, variance: 90_000 });
    expect(movesOf([...hot, spread(1, 480), spread(2, 300)], 0)).toMatchObject([{ to: 2 }]);
  });
});
