import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from './decision.js';
import { buildFleet, nodeFlags } from './fleet.js';
import type { FleetView } from './fleet.js';
import { admits, choose, place } from './place.js';
import { policies } from './policy.js';
import { nodeSpecs, requests } from './random-fleet.fixture.js';
import type { PlacementRequest } from './request.js';

const policy = policies.berth;

/** Makes a change come true: on the node or in the request. */
function realise(change: Change, fleet: FleetView, node: number, request: PlacementRequest): PlacementRequest {
  const { constraints = {} } = request;
  switch (change.kind) {
    case 'shrink':
      return { ...request, [change.resource]: request[change.resource] - change.by };
    case 'uncordon':
      fleet.setFlags(node, fleet.flags[node]! & ~nodeFlags.cordoned);
      return request;
    case 'wake':
      fleet.setFlags(node, fleet.flags[node]! & ~nodeFlags.asleep);
      return request;
    case 'reconnect':
      fleet.setFlags(node, fleet.flags[node]! & ~nodeFlags.unreachable);
      return request;
    case 'use-driver':
      return { ...request, constraints: { ...constraints, drivers: [change.driver] } };
    case 'use-image': {
      const { engines: _, ...rest } = constraints;
      return { ...request, constraints: rest };
    }
    case 'drop-selector':
      return { ...request, constraints: { ...constraints, nodeSelector: {} } };
    case 'tolerate': {
      const [key = ''] = change.taint.split('=');
      return {
        ...request,
        constraints: { ...constraints, tolerations: [...(constraints.tolerations ?? []), { key }] },
      };
    }
    case 'relax-group': {
      const { group: _, ...rest } = request;
      return rest;
    }
  }
}

describe('counterfactuals', () => {
  it('are true: once its changes are made, the request fits on the node named', () => {
    fc.assert(
      fc.property(nodeSpecs, requests, (specs, asked) => {
        const fleet = buildFleet(specs);
        for (const request of asked) {
          const decision = place(fleet, request, policy);
          if (decision.placed) {
            fleet.apply(fleet.slotOf(decision.node), request);
            continue;
          }
          expect(decision.sentence).toContain('none of');
          for (const { node: id, changes, sentence } of decision.counterfactuals) {
            const node = fleet.slotOf(id);
            const flags = fleet.flags[node]!;
            expect(changes.length).toBeGreaterThan(0);
            expect(sentence).toContain(id);
            const changed = changes.reduce((so, change) => realise(change, fleet, node, so), request);
            expect(admits(fleet, changed, policy, node)).toBe(true);
            fleet.setFlags(node, flags);
          }
        }
      }),
    );
  });

  it('are none when the fleet is empty, and the sentence says so', () => {
    expect(place(buildFleet([]), request, policy)).toMatchObject({
      placed: false,
      counterfactuals: [],
      sentence: 'no node fits: the fleet has no nodes',
    });
    expect(choose(buildFleet([]), request, policy)).toBe(-1);
  });

  it('do not propose to give up the whole of a resource', () => {
    const full = buildFleet([{ id: 'n1', capacity: { cpuMillis: 0, memoryMib: 1, diskGib: 1 } }]);
    expect(place(full, request, policy)).toMatchObject({ placed: false, counterfactuals: [] });
  });
});

const request: PlacementRequest = { id: 'i', project: 'p', priority: 0, cpuMillis: 1, memoryMib: 1, diskGib: 1 };
