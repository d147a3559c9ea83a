import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fleetNodeOf } from '../placement/fleet-node.fixture.js';
import { decideResizes, type Resizing } from './decide-resizes.js';

const room = { cpuMillis: 4_000, memoryMib: 4_096, diskGib: 40 };
const tiny = { cpuMillis: 1_000, memoryMib: 112, diskGib: 0 };
const full = { cpuMillis: 4_000, memoryMib: 4_096, diskGib: 40 };
const node = (id: string, allocated = tiny, change: object = {}) => fleetNodeOf(id, room, { allocated, ...change });

const resizing = (changes: Partial<Resizing> = {}): Resizing => ({
  operationId: 'o1',
  id: 'i1',
  name: 'web',
  projectId: 'p',
  vcpus: 2,
  memoryMib: 256,
  diskGib: 0,
  constraints: {},
  architecture: 'x86_64',
  firmware: 'direct',
  failedDrivers: [],
  restarts: true,
  hasDisk: false,
  vmmId: 'v1',
  nodeId: 'a',
  holds: tiny,
  ...changes,
});

describe('an instance that is to be of another size', () => {
  test('stays on its node, which is asked only for what it does not hold yet', () => {
    const { planned } = decideResizes([node('a'), node('b', { ...tiny, cpuMillis: 0 })], [], [resizing()]);
    expect(planned).toMatchObject([
      { nodeId: 'a', reserves: { cpuMillis: 2_000 }, more: { cpuMillis: 1_000, diskGib: 0 } },
    ]);
    expect(planned[0]!.reserves.memoryMib - planned[0]!.more.memoryMib).toBe(tiny.memoryMib);
  });

  test('fits its node when only its own place is in its way', () => {
    const holds = { cpuMillis: 3_000, memoryMib: 4_000, diskGib: 0 };
    const { planned } = decideResizes([node('a', full)], [], [resizing({ vcpus: 3, holds })]);
    expect(planned).toMatchObject([{ nodeId: 'a', more: { cpuMillis: 0, memoryMib: 0, diskGib: 0 } }]);
  });

  test('goes to another node when its own has no room, and asks that one for all of it', () => {
    const { planned } = decideResizes([node('a', full), node('b')], [], [resizing()]);
    expect(planned).toMatchObject([{ nodeId: 'b', reserves: planned[0]!.more }]);
    const cordoned = decideResizes([node('a', tiny, { cordoned: true }), node('b')], [], [resizing()]);
    expect(cordoned.planned).toMatchObject([{ nodeId: 'b' }]);
  });

  test('that has a disk stays with it, and its owner is told where it could move first', () => {
    const { planned, refused } = decideResizes([node('a', full), node('b')], [], [resizing({ hasDisk: true })]);
    expect(planned).toEqual([]);
    expect(refused[0]!.problem).toMatchObject({
      code: 'no-node-fits',
      next: expect.stringMatching(/migrate web --to b$/),
    });
    expect(refused[0]!.problem.detail).toMatch(/^web runs on as it is; its disk is on node a: /);
  });

  test('leaves a group it is to be with for no other node, and joins none it is not to be with', () => {
    const mates = ['a', 'a'].map((at) => ({ node: at, projectId: 'p', group: 'web' }));
    const grouped = (policy: 'affinity' | 'anti-affinity') =>
      resizing({ constraints: { group: { name: 'web', policy } } });
    const nodes = [node('a', full), node('b')];
    expect(decideResizes(nodes, mates, [grouped('affinity')]).refused).toHaveLength(1);
    const apart = [...mates.slice(1), { node: 'b', projectId: 'p', group: 'web' }];
    expect(decideResizes(nodes, apart, [grouped('anti-affinity')]).refused).toHaveLength(1);
    expect(decideResizes([node('a'), node('b')], apart, [grouped('anti-affinity')]).planned).toMatchObject([
      { nodeId: 'a' },
    ]);
  });

  test('of which only the disk grows asks its node for nothing else', () => {
    const one = resizing({ vcpus: 1, memoryMib: 999, diskGib: 5, restarts: false, hasDisk: true });
    const { planned } = decideResizes([node('a'), node('b')], [], [one]);
    expect(planned).toMatchObject([{ nodeId: 'a', more: { cpuMillis: 0, memoryMib: 0, diskGib: 5 } }]);
    expect(decideResizes([node('a'), node('b')], [], [{ ...one, diskGib: 41 }]).refused).toHaveLength(1);
  });
});

test('of many in one round none counts on the room of another, nor on what is not given back yet', () => {
  const size = fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), memoryMib: fc.integer({ min: 64, max: 3_000 }) });
  const asked = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), size, size, fc.boolean()), { maxLength: 12 });
  fc.assert(
    fc.property(asked, (pairs) => {
      const ones = pairs.map(([nodeId, was, becomes, hasDisk], nth) => {
        const holds = { cpuMillis: was.vcpus * 1_000, memoryMib: was.memoryMib + 48, diskGib: 0 };
        return resizing({ ...becomes, hasDisk, nodeId, holds, operationId: `o${nth}`, id: `i${nth}` });
      });
      const of = (id: string) => ones.filter(({ nodeId }) => nodeId === id);
      const sum = (amounts: readonly { cpuMillis: number; memoryMib: number }[]) =>
        amounts.reduce<typeof tiny>(
          (all, { cpuMillis, memoryMib }) => ({
            cpuMillis: all.cpuMillis + cpuMillis,
            memoryMib: all.memoryMib + memoryMib,
            diskGib: 0,
          }),
          { cpuMillis: 0, memoryMib: 0, diskGib: 0 },
        );
      const nodes = ['a', 'b', 'c'].map((id) => {
        const allocated = sum(of(id).map(({ holds }) => holds));
        const [cpuMillis, memoryMib] = [allocated.cpuMillis + 2_000, allocated.memoryMib + 1_000];
        return fleetNodeOf(id, { cpuMillis, memoryMib, diskGib: 0 }, { allocated });
      });
      const { planned, refused } = decideResizes(nodes, [], ones);
      expect(planned.length + refused.length).toBe(ones.length);
      for (const { nodeId, allocatable, allocated } of nodes) {
        const more = sum(planned.filter((plan) => plan.nodeId === nodeId).map((plan) => plan.more));
        expect(allocated.cpuMillis + more.cpuMillis).toBeLessThanOrEqual(allocatable.cpuMillis);
        expect(allocated.memoryMib + more.memoryMib).toBeLessThanOrEqual(allocatable.memoryMib);
      }
      for (const { more } of planned)
        expect(Math.min(more.cpuMillis, more.memoryMib, more.diskGib)).toBeGreaterThanOrEqual(0);
    }),
  );
});
