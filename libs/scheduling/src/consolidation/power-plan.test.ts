import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFleet, nodeFlags } from '../fleet.js';
import type { ConsolidationView } from './plan.js';
import { meanInstance, nodesToSleep, nodesToWake, nodeToWake, wattsPerInstance } from './power-plan.js';

interface Kind {
  readonly cpuMillis?: number;
  readonly memoryMib?: number;
  readonly idleWatts?: number;
  readonly peakWatts?: number;
  readonly asleep?: boolean;
  readonly starting?: boolean;
  readonly flags?: number;
}

const asleep: Kind = { asleep: true };

/** Instances of 9 MiB that ask for `demand` milli-CPU, on the nodes given. */
function viewOf(
  kinds: readonly Kind[],
  residents: readonly { node: number; demand: number }[] = [],
): ConsolidationView {
  const fleet = buildFleet(
    kinds.map(({ cpuMillis = 1000, memoryMib = 1000 }, i) => ({
      id: `n${i}`,
      capacity: { cpuMillis, memoryMib, diskGib: 1 },
      overcommitRatio: { cpuMillis: 100 },
    })),
  );
  const requests = residents.map((_, i) => ({
    id: `i${i}`,
    project: 'p',
    priority: 0,
    cpuMillis: 500,
    memoryMib: 9,
    diskGib: 0,
  }));
  residents.forEach(({ node }, i) => fleet.apply(node, requests[i]!));
  kinds.forEach((kind, node) => fleet.setFlags(node, kind.asleep ? nodeFlags.asleep : (kind.flags ?? 0)));
  return {
    nowS: 0,
    fleet,
    instances: {
      requests,
      node: Int32Array.from(residents, ({ node }) => node),
      demandCpuMillis: Float64Array.from(residents, ({ demand }) => demand),
      moving: new Uint8Array(residents.length),
    },
    starting: Uint8Array.from(kinds, ({ starting }) => (starting ? 1 : 0)),
    power: {
      idleWatts: Float64Array.from(kinds, ({ idleWatts = 100 }) => idleWatts),
      peakWatts: Float64Array.from(kinds, ({ peakWatts = 200 }) => peakWatts),
    },
    service: { activeS: 0, overloadS: 0 },
    waiting: 0,
  };
}

describe('nodesToSleep', () => {
  it('sends empty nodes to sleep, dearest idle power first, and keeps the cheapest in reserve', () => {
    const view = viewOf([{ idleWatts: 90 }, { idleWatts: 120 }, { idleWatts: 100 }]);
    expect(nodesToSleep(view, 0)).toEqual([1, 2, 0]);
    expect(nodesToSleep(view, 1)).toEqual([1, 2]);
    expect(nodesToSleep(view, 4)).toEqual([]);
  });

  it('sends the last of equal nodes first', () => {
    expect(nodesToSleep(viewOf([{}, {}, {}]), 1)).toEqual([2, 1]);
  });

  it('leaves alone what carries something, sleeps already or is closed', () => {
    const view = viewOf([{}, asleep, { flags: nodeFlags.cordoned }, {}], [{ node: 0, demand: 10 }]);
    expect(nodesToSleep(view, 0)).toEqual([3]);
  });
});

describe('nodesToWake', () => {
  it('wakes the cheapest sleeping nodes first, each once, and no more than there are', () => {
    const view = viewOf([
      { ...asleep, idleWatts: 110 },
      { ...asleep, idleWatts: 90 },
      { ...asleep, idleWatts: 100 },
    ]);
    expect(nodesToWake(view, 2)).toEqual([1, 2]);
    expect(nodesToWake(view, 9)).toEqual([1, 2, 0]);
    expect(nodesToWake(view, 0)).toEqual([]);
  });

  it('passes over nodes that are awake, start already, or cannot start', () => {
    const starting = { ...asleep, starting: true };
    expect(nodesToWake(viewOf([{}, starting, { flags: nodeFlags.cordoned }, asleep]), 4)).toEqual([3]);
    expect(nodeToWake(viewOf([{}, starting]))).toBeUndefined();
  });

  it('takes the first of equals', () => {
    expect(nodeToWake(viewOf([asleep, asleep]))).toBe(0);
    expect(nodeToWake(viewOf([asleep, asleep]), [0])).toBe(1);
  });
});

describe('wattsPerInstance', () => {
  const instances = { demandCpuMillis: 90, memoryMib: 9 };

  it('spreads what a node draws when nine tenths of its CPU are used over the instances that fill it', () => {
    // 900 of 1,000 milli-CPU carry ten instances at 100 + 100 x 0.9 watts.
    expect(wattsPerInstance(viewOf([{}]), 0, instances)).toBeCloseTo(190 / 10, 9);
  });

  it('counts the instances by memory where memory runs out first', () => {
    // 18 MiB hold two, which use 180 of 1,000 milli-CPU.
    expect(wattsPerInstance(viewOf([{ memoryMib: 18 }]), 0, instances)).toBeCloseTo(118 / 2, 9);
  });

  it('prefers little idle power where memory runs out first, and cheap CPU where CPU does', () => {
    const small = { cpuMillis: 1000, idleWatts: 80, peakWatts: 120 };
    const large = { cpuMillis: 2000, idleWatts: 100, peakWatts: 180 };
    const residents = [{ node: 0, demand: 90 }];
    const pick = (memoryMib: number) =>
      nodeToWake(viewOf([{}, { ...asleep, ...small, memoryMib }, { ...asleep, ...large, memoryMib }], residents));
    expect(pick(18)).toBe(1);
    expect(pick(1000)).toBe(2);
  });

  it('charges a node that holds less than one instance as if it held one, at full power at most', () => {
    expect(wattsPerInstance(viewOf([{}]), 0, { demandCpuMillis: 5000, memoryMib: 9 })).toBe(200);
    expect(wattsPerInstance(viewOf([{}]), 0, { demandCpuMillis: 90, memoryMib: 5000 })).toBeCloseTo(109, 9);
  });

  it('is finite while nothing runs', () => {
    const view = viewOf([asleep]);
    expect(meanInstance(view)).toEqual({ demandCpuMillis: 0, memoryMib: 0 });
    expect(wattsPerInstance(view, 0, meanInstance(view))).toBeGreaterThan(0);
  });

  it('falls with what a node draws, whatever the fleet is short of', () => {
    const watts = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(
        watts,
        watts,
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: 1, max: 999 }),
        (a, b, cpu, mem) => {
          const view = viewOf([
            { idleWatts: a, peakWatts: a + b },
            { idleWatts: a + 1, peakWatts: a + b + 1 },
          ]);
          const mean = { demandCpuMillis: cpu, memoryMib: mem };
          expect(wattsPerInstance(view, 0, mean)).toBeLessThan(wattsPerInstance(view, 1, mean));
        },
      ),
    );
  });
});

describe('meanInstance', () => {
  it('averages demand and memory over all instances', () => {
    const view = viewOf(
      [{}],
      [
        { node: 0, demand: 100 },
        { node: 0, demand: 300 },
      ],
    );
    expect(meanInstance(view)).toEqual({ demandCpuMillis: 200, memoryMib: 9 });
  });
});
