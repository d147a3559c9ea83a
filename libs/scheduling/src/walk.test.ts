import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STAY_LEVELS } from './capacity-index.js';
import { explain } from './explain.js';
import { buildFleet, nodeFlags } from './fleet.js';
import type { FleetView } from './fleet.js';
import { choose } from './place.js';
import { policies, totalScore } from './policy.js';
import type { Policy } from './policy.js';
import { prospectOf } from './prospect.js';
import { nodeSpecs, requests } from './random-fleet.fixture.js';
import { resourceNames } from './request.js';
import type { PlacementRequest } from './request.js';

/** The reference: every node, every filter, the highest score. */
function bestScore(fleet: FleetView, request: PlacementRequest, policy: Policy): number {
  let best = -Infinity;
  for (let node = 0; node < fleet.size; node++) {
    if (!policy.filters.every((filter) => filter.admits(fleet, request, node))) continue;
    best = Math.max(best, totalScore(policy, prospectOf(fleet, request, node)));
  }
  return best;
}

function scoreOf(fleet: FleetView, request: PlacementRequest, policy: Policy, node: number): number {
  return node < 0 ? -Infinity : totalScore(policy, prospectOf(fleet, request, node));
}

const anyPolicy = fc.constantFrom(...Object.values(policies));
/** What befalls the fleet after a placement: releases, flags and stays, drawn from one number each. */
const churn = fc.array(fc.nat(), { minLength: 60, maxLength: 60 });

describe('choose', () => {
  it('finds the same score as brute force for every request, whatever the fleet', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, anyPolicy, churn, (specs, asked, policy, draws) => {
        const fleet = buildFleet(specs);
        const live: [number, PlacementRequest][] = [];
        asked.forEach((request, step) => {
          const node = choose(fleet, request, policy);
          expect(scoreOf(fleet, request, policy, node)).toBe(bestScore(fleet, request, policy));
          if (node >= 0) {
            expect(policy.filters.every((filter) => filter.admits(fleet, request, node))).toBe(true);
            fleet.apply(node, request);
            live.push([node, request]);
          }
          disturb(fleet, live, draws[step]!);
        });
      }),
    );
  });

  it('finds the same score as brute force when asked the same again and again', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, anyPolicy, churn, (specs, asked, policy, draws) => {
        const fleet = buildFleet(specs);
        const amounts = { cpuMillis: 500, memoryMib: 96, diskGib: 0 };
        const small: PlacementRequest = { ...amounts, id: 'i', project: 'p', priority: 0 };
        [small, { ...small, memoryMib: 2000 }, ...asked].forEach(({ group: _alone, ...request }, step) => {
          for (let again = 0; again < 20; again++) {
            const draw = draws[(step * 7 + again) % draws.length]!;
            const node = choose(fleet, request, policy);
            expect(scoreOf(fleet, request, policy, node)).toBe(bestScore(fleet, request, policy));
            if (node < 0) break;
            const other = draw % fleet.size;
            if (draw % 4 > 0) fleet.apply(node, request, draw % STAY_LEVELS);
            else fleet.setFlags(other, fleet.flags[other]! ^ nodeFlags.cordoned);
            if (draw % 8 === 0) fleet.setStay(node, draw % STAY_LEVELS);
          }
        });
      }),
    );
  });

  it('finds the one node asked for among many of its size that are not, even where they are tighter', () => {
    const capacity = { cpuMillis: 4000, memoryMib: 4096, diskGib: 10 };
    const crowd = Array.from({ length: 300 }, (_, i) => ({ id: `n${i}`, capacity, labels: { row: `${i % 5}` } }));
    const fleet = buildFleet([...crowd, { id: 'last', capacity, labels: { row: '0', gpu: 'yes' } }]);
    for (let node = 0; node < 300; node++) fleet.apply(node, { cpuMillis: 2000, memoryMib: 2048, diskGib: 0 });
    const request = { id: 'i', project: 'p', priority: 0, cpuMillis: 1000, memoryMib: 1024, diskGib: 1 };
    expect(choose(fleet, { ...request, constraints: { nodeSelector: { gpu: 'yes' } } }, policies.berth)).toBe(300);
    // In every row but one the tightest nodes are closed to the request by its group.
    const group = { name: 'g', policy: 'anti-affinity' } as const;
    for (let node = 0; node < 299; node++) fleet.groups.join('g', node, 0, 0);
    expect(choose(fleet, { ...request, group }, policies.berth)).toBe(299);
  });

  it('never goes over allocatable, and releasing everything restores the fleet', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, anyPolicy, (specs, asked, policy) => {
        const fleet = buildFleet(specs);
        const live: [number, PlacementRequest][] = [];
        for (const request of asked) {
          const node = choose(fleet, request, policy);
          if (node < 0) continue;
          fleet.apply(node, request);
          live.push([node, request]);
          for (const resource of resourceNames) expect(fleet.free[resource][node]).toBeGreaterThanOrEqual(0);
        }
        for (const [node, request] of live) fleet.release(node, request);
        expect(fleet.free).toEqual(fleet.allocatable);
        for (const name of ['g1', 'g2']) expect(fleet.groups.membersOf(name)).toBeUndefined();
      }),
    );
  });
});

describe('explain', () => {
  it('counts every node once, and puts the chosen node first', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, anyPolicy, (specs, asked, policy) => {
        const fleet = buildFleet(specs);
        for (const request of asked) {
          const node = choose(fleet, request, policy);
          const { considered, feasible, rejected, finalists } = explain(fleet, request, policy, node);
          expect(considered).toBe(fleet.size);
          expect(feasible + Object.values(rejected).reduce((sum, count) => sum + count, 0)).toBe(considered);
          expect(finalists.length > 0).toBe(node >= 0);
          if (node < 0) continue;
          if (policy.scorers.length > 0) expect(finalists[0]?.node).toBe(fleet.names.nameOf(node));
          fleet.apply(node, request);
        }
      }),
    );
  });
});

function disturb(fleet: FleetView, live: [number, PlacementRequest][], draw: number): void {
  const node = draw % fleet.size;
  if (draw % 3 === 0 && live.length > 0) {
    const [[from, request]] = live.splice(draw % live.length, 1) as [[number, PlacementRequest]];
    fleet.release(from, request);
  } else if (draw % 3 === 1) fleet.setFlags(node, draw % 2 === 0 ? 0 : draw % 8);
  else fleet.setStay(node, draw % STAY_LEVELS);
}
