import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFleet } from './fleet.js';
import { admits, choose } from './place.js';
import { policies } from './policy.js';
import { planPreemption } from './preempt.js';
import { nodeSpecs, requests } from './random-fleet.fixture.js';
import type { PlacedInstance } from './repack.js';

const policy = policies.berth;
const capacity = { cpuMillis: 4000, memoryMib: 4096, diskGib: 40 };
const instance = (id: string, node: string, priority: number, cpuMillis: number): PlacedInstance => ({
  id,
  node,
  priority,
  cpuMillis,
  memoryMib: 256,
  diskGib: 1,
  project: 'p',
});

describe('planPreemption', () => {
  const nodes = [
    { id: 'n1', capacity },
    { id: 'n2', capacity },
  ];

  it('evicts the lowest priorities, on the node where the least important have to go, and no more than needed', () => {
    const live = [
      instance('a', 'n1', 2, 4000),
      instance('b', 'n2', 1, 2000),
      instance('c', 'n2', 0, 1000),
      instance('d', 'n2', 0, 1000),
    ];
    const plan = planPreemption(buildFleet(nodes, live), live, instance('x', '', 3, 1000), policy);
    expect(plan?.node).toBe('n2');
    expect(plan?.evict).toHaveLength(1);
    expect(['c', 'd']).toContain(plan?.evict[0]);
  });

  it('never evicts an equal or higher priority', () => {
    const live = [instance('a', 'n1', 3, 4000), instance('b', 'n2', 4, 4000)];
    expect(planPreemption(buildFleet(nodes, live), live, instance('x', '', 3, 1000), policy)).toBeUndefined();
  });

  it('gives a plan after which the request fits and every victim was needed, and leaves the fleet as it was', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, (specs, asked) => {
        const fleet = buildFleet(specs);
        const live: PlacedInstance[] = [];
        for (const request of asked) {
          const node = choose(fleet, request, policy);
          const before = { cpu: fleet.free.cpuMillis.slice(), residents: fleet.residents.slice() };
          const plan = planPreemption(fleet, live, request, policy);
          expect({ cpu: fleet.free.cpuMillis, residents: fleet.residents }).toEqual(before);
          if (plan && node < 0) {
            const at = fleet.slotOf(plan.node);
            const victims = live.filter(({ id }) => plan.evict.includes(id));
            expect(victims.every((victim) => victim.priority < request.priority && victim.node === plan.node)).toBe(
              true,
            );
            for (const victim of victims) {
              expect(admits(fleet, request, policy, at)).toBe(false);
              fleet.release(at, victim);
            }
            expect(admits(fleet, request, policy, at)).toBe(true);
            for (const victim of victims) fleet.adopt(at, victim);
          }
          if (node < 0) continue;
          fleet.apply(node, request);
          live.push({ ...request, node: fleet.names.nameOf(node) });
        }
      }),
      { numRuns: 60 },
    );
  });
});
