import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFleet, type FleetView, type NodeSpec } from '../fleet.js';
import { placeBatch } from '../place.js';
import { policies } from '../policy.js';
import type { GroupMembership, PlacementRequest } from '../request.js';

const capacity = { cpuMillis: 4, memoryMib: 4, diskGib: 4 };
const domain = fc.constantFrom('a', 'b', 'c');
const nodes = fc.array(fc.record({ zone: domain, rack: domain, cordoned: fc.boolean() }), {
  minLength: 1,
  maxLength: 8,
});

interface Run {
  readonly fleet: FleetView;
  readonly specs: readonly NodeSpec[];
  /** Node of each member that was placed, in order. */
  readonly placed: readonly NodeSpec[];
  readonly refused: number;
}

/** So many members of one group, asked for one after another. */
function run(made: readonly Partial<NodeSpec>[], membership: Omit<GroupMembership, 'name'>, count: number): Run {
  const specs = made.map((spec, i): NodeSpec => ({ id: `n${i}`, capacity, ...spec }));
  const fleet = buildFleet(specs);
  const requests = Array.from({ length: count }, (_, i): PlacementRequest => {
    const group = { name: 'g', ...membership };
    return { id: `i${i}`, project: 'p', priority: 0, cpuMillis: 1, memoryMib: 1, diskGib: 1, group };
  });
  const decisions = placeBatch(fleet, requests, policies.berth);
  const placed = decisions.flatMap((decision) => (decision.placed ? [specs[fleet.slotOf(decision.node)]!] : []));
  return { fleet, specs, placed, refused: count - placed.length };
}

const rackOf = ({ zone, rack }: NodeSpec): string => `${zone}/${rack}`;
const zoneOf = ({ zone }: NodeSpec): string => `${zone}`;

/** How far apart the domains with a node that takes placements are, in members. */
function difference({ specs, placed }: Run, domainOf: (node: NodeSpec) => string): number {
  const open = new Set(specs.filter(({ cordoned }) => cordoned !== true).map(domainOf));
  const counts = [...open].map((name) => placed.filter((node) => domainOf(node) === name).length);
  return counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);
}

describe('placement groups', () => {
  it.each([
    ['spread-zone', zoneOf],
    ['spread-rack', rackOf],
  ] as const)('%s: members of open domains never differ by more than one', (policy, domainOf) => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 40 }), (made, count) => {
        const result = run(made, { policy }, count);
        expect(difference(result, domainOf)).toBeLessThanOrEqual(1);
        // it stops only where one more would not be even, or nowhere fits
        const isEven = difference(result, domainOf) === 0;
        const hasRoom = result.specs.some(({ id, cordoned }) => !cordoned && roomOn(result, id) > 0);
        if (result.refused > 0 && hasRoom) expect(isEven && everyDomainHasRoom(result, domainOf)).toBe(false);
      }),
    );
  });

  it('zoneSpreadMax: beside any policy, members of open zones never differ by more', () => {
    const policies = fc.constantFrom('anti-affinity', 'spread-rack', 'spread-zone');
    fc.assert(
      fc.property(nodes, policies, fc.integer({ min: 1, max: 3 }), (made, policy, zoneSpreadMax) => {
        const result = run(made, { policy, zoneSpreadMax }, 30);
        expect(difference(result, zoneOf)).toBeLessThanOrEqual(zoneSpreadMax);
      }),
    );
    const zones = [{ zone: 'a' }, { zone: 'a' }, { zone: 'a' }, { zone: 'b' }];
    const { placed } = run(zones, { policy: 'anti-affinity', zoneSpreadMax: 1 }, 4);
    expect(placed.filter(({ zone }) => zone === 'a')).toHaveLength(2);
    expect(placed).toHaveLength(3);
    expect(run(zones, { policy: 'anti-affinity', zoneSpreadMax: 2 }, 4).placed).toHaveLength(4);
  });

  it('anti-affinity: a node each, and as many as there are nodes', () => {
    fc.assert(
      fc.property(nodes, (made) => {
        const { specs, placed } = run(made, { policy: 'anti-affinity' }, 10);
        expect(new Set(placed).size).toBe(placed.length);
        expect(placed).toHaveLength(specs.filter(({ cordoned }) => !cordoned).length);
      }),
    );
  });

  it('affinity: one node for all, as long as it has room', () => {
    const { placed, refused } = run([{}, {}, {}], { policy: 'affinity' }, 6);
    expect([new Set(placed).size, placed.length, refused]).toEqual([1, 4, 2]);
  });

  it('a member that leaves makes room again; one that is not there cannot leave', () => {
    const { fleet } = run([{}], { policy: 'anti-affinity' }, 1);
    const member = { cpuMillis: 1, memoryMib: 1, diskGib: 1, group: { name: 'g', policy: 'anti-affinity' as const } };
    const stranger = { ...member, group: { ...member.group, name: 'h' } };
    expect(() => fleet.groups.leave('h', 0, 0, 0)).toThrow('group h has no member there');
    expect(() => fleet.groups.leave('g', 1, 0, 0)).toThrow('group g has no member there');
    fleet.adopt(0, stranger);
    fleet.release(0, member);
    expect([fleet.groups.membersOf('g'), fleet.groups.membersOf('h')?.onNode(0)]).toEqual([undefined, 1]);
  });

  it('no room for a member names the group that stands in its way', () => {
    const { fleet } = run([{}], { policy: 'anti-affinity' }, 1);
    const group = { name: 'g', policy: 'anti-affinity' as const };
    const ask = { id: 'i', project: 'p', priority: 0, cpuMillis: 1, memoryMib: 1, diskGib: 1, group };
    const [decision] = placeBatch(fleet, [ask], policies.berth);
    expect(decision).toMatchObject({
      placed: false,
      explanation: { rejected: { 'anti-affinity': 1 } },
      counterfactuals: [{ changes: [{ kind: 'relax-group', group: 'g', policy: 'anti-affinity' }] }],
    });
  });
});

function roomOn({ fleet }: Run, id: string): number {
  return fleet.free.cpuMillis[fleet.slotOf(id)]!;
}

function everyDomainHasRoom(result: Run, domainOf: (node: NodeSpec) => string): boolean {
  const open = result.specs.filter(({ cordoned }) => !cordoned);
  return open.every((node) => open.some((o) => domainOf(o) === domainOf(node) && roomOn(result, o.id) > 0));
}
