import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFleet, nodeFlags, type NodeSpec } from '../fleet.js';
import { policies } from '../policy.js';
import type { PlacedInstance } from '../repack.js';
import { drainPlan } from './drain-plan.js';

const size = fc.record({ cpuMillis: fc.integer({ min: 1, max: 8 }), memoryMib: fc.integer({ min: 1, max: 8 }) });
const fleets = fc.record({
  nodes: fc.array(size, { minLength: 2, maxLength: 6 }),
  wishes: fc.array(fc.record({ size, node: fc.nat(5), group: fc.nat(3) }), { maxLength: 20 }),
});

/** Instances that fit where they wish to be, one anti-affinity group among them. */
function build({ nodes, wishes }: typeof fleets extends fc.Arbitrary<infer T> ? T : never) {
  const specs = nodes.map((capacity, i): NodeSpec => ({ id: `n${i}`, capacity: { ...capacity, diskGib: 10 } }));
  const fleet = buildFleet(specs);
  const placed: PlacedInstance[] = [];
  wishes.forEach(({ size: { cpuMillis, memoryMib }, node, group }, i) => {
    const slot = node % nodes.length;
    const membership = group === 0 ? { group: { name: 'apart', policy: 'anti-affinity' as const } } : {};
    const base = { id: `i${i}`, project: 'p', priority: 0, cpuMillis, memoryMib, diskGib: 0, ...membership };
    if (!fleet.fits(slot, base)) return;
    fleet.apply(slot, base);
    placed.push({ ...base, node: `n${slot}` });
  });
  return { fleet, placed };
}

describe('drainPlan', () => {
  it('moves everything or says why not, and every state on the way fits', () => {
    fc.assert(
      fc.property(fleets, (input) => {
        const { fleet, placed } = build(input);
        const free = structuredClone(fleet.free);
        const residents = placed.filter(({ node }) => node === 'n0');
        const { moves, stuck } = drainPlan(fleet, 'n0', residents, policies.berth);
        expect(fleet.free).toEqual(free);
        expect(new Set([...moves.map((m) => m.instance), ...stuck.map((s) => s.requestId)])).toEqual(
          new Set(residents.map(({ id }) => id)),
        );
        for (const { instance, to } of moves) {
          const mover = residents.find(({ id }) => id === instance)!;
          expect(to).not.toBe('n0');
          // Throws when it does not fit while still booked on its source.
          fleet.apply(fleet.slotOf(to), mover);
          fleet.release(0, mover);
        }
        expect(fleet.residents[0]).toBe(stuck.length);
      }),
    );
  });

  it('gives room that is short to the higher priority first, then to the larger', () => {
    const capacity = { cpuMillis: 8, memoryMib: 8, diskGib: 8 };
    const instance = (id: string, priority: number, memoryMib: number, cpuMillis: number): PlacedInstance => ({
      id,
      project: 'p',
      priority,
      cpuMillis,
      memoryMib,
      diskGib: 0,
      node: 'n0',
    });
    const residents = [instance('a', 0, 1, 1), instance('b', 0, 2, 1), instance('c', 0, 2, 2), instance('d', 1, 1, 1)];
    const fleet = buildFleet([
      { id: 'n0', capacity },
      { id: 'n1', capacity: { cpuMillis: 8, memoryMib: 5, diskGib: 8 } },
    ]);
    for (const each of residents) fleet.apply(0, each);
    const { moves, stuck } = drainPlan(fleet, 'n0', residents, policies.berth);
    expect(moves.map((move) => move.instance)).toEqual(['d', 'c', 'b']);
    expect(stuck.map(({ requestId }) => requestId)).toEqual(['a']);
  });

  it('leaves a cordon that was there', () => {
    const capacity = { cpuMillis: 4, memoryMib: 4, diskGib: 4 };
    const fleet = buildFleet([
      { id: 'n0', capacity, cordoned: true },
      { id: 'n1', capacity },
    ]);
    drainPlan(fleet, 'n0', [], policies.berth);
    expect(fleet.flags[0]).toBe(nodeFlags.cordoned);
  });
});
