import { describe, expect, it } from 'vitest';
import { buildFleet } from './fleet.js';
import type { NodeSpec } from './fleet.js';
import { place, placeBatch } from './place.js';
import { policies } from './policy.js';
import type { PlacementRequest } from './request.js';

const node = (id: string, spec: Partial<NodeSpec> = {}): NodeSpec => ({
  id,
  drivers: ['tcg'],
  capacity: { cpuMillis: 4000, memoryMib: 4096, diskGib: 40 },
  ...spec,
});
const request = (id: string, spec: Partial<PlacementRequest> = {}): PlacementRequest => ({
  id,
  project: 'p',
  priority: 0,
  cpuMillis: 1000,
  memoryMib: 1024,
  diskGib: 1,
  ...spec,
});

describe('place', () => {
  it('puts an instance where the least is left over, and counts every node once', () => {
    const fleet = buildFleet(
      [node('n1'), node('n2'), node('n3', { cordoned: true })],
      [{ node: 'n2', cpuMillis: 1000, memoryMib: 1024, diskGib: 1 }],
    );
    expect(place(fleet, request('i'), policies.berth)).toMatchObject({
      placed: true,
      node: 'n2',
      explanation: { considered: 3, feasible: 2, rejected: { cordon: 1 }, finalists: [{ node: 'n2' }, { node: 'n1' }] },
    });
  });

  it('says what would make it fit', () => {
    const fleet = buildFleet(
      [node('n1', { drivers: ['kvm'] }), node('n2'), node('n3', { cordoned: true })],
      [{ node: 'n2', cpuMillis: 0, memoryMib: 3584, diskGib: 0 }],
    );
    const decision = place(fleet, request('i', { constraints: { drivers: ['tcg'] } }), policies.berth);
    expect(decision).toMatchObject({
      placed: false,
      sentence: 'none of 3 nodes fits (driver 1, memory 1, cordon 1); it would fit on node n3 once uncordoned',
      counterfactuals: [
        { node: 'n3', changes: [{ kind: 'uncordon' }] },
        { node: 'n2', sentence: 'would fit with 512 MiB less memory on node n2' },
        { node: 'n1', sentence: 'would fit on node n1 with driver kvm' },
      ],
    });
  });

  it('reckons allocatable with the overcommit ratio', () => {
    const fleet = buildFleet([node('n1', { overcommitRatio: { cpuMillis: 2 } })]);
    expect(place(fleet, request('i', { cpuMillis: 8000 }), policies.berth).placed).toBe(true);
    expect(place(fleet, request('i', { cpuMillis: 8001 }), policies.berth).placed).toBe(false);
  });
});

describe('placeBatch', () => {
  it('decides in sight of what it already placed, by priority, and answers in order', () => {
    const fleet = buildFleet([node('n1')]);
    const decisions = placeBatch(
      fleet,
      [request('low', { memoryMib: 4096 }), request('high', { priority: 1, memoryMib: 4096 })],
      policies.berth,
    );
    expect(decisions.map(({ requestId, placed }) => [requestId, placed])).toEqual([
      ['low', false],
      ['high', true],
    ]);
  });

  it('takes the long-lived first, then the larger, and those alike in the order in which they were asked for', () => {
    const taken: string[] = [];
    const requests = [
      request('first', { memoryMib: 100, longevity: 0.1 }),
      request('second', { memoryMib: 100, longevity: 0.1 }),
      request('wide', { memoryMib: 100, cpuMillis: 1100, longevity: 0.1 }),
      request('large', { memoryMib: 200, longevity: 0.1 }),
      request('unknown', { memoryMib: 300 }),
      request('long', { memoryMib: 50, longevity: 0.9 }),
    ];
    placeBatch(buildFleet([node('n1', { overcommitRatio: { cpuMillis: 4 } })]), requests, policies.berth, (index) => {
      taken.push(requests[index]!.id);
      return 0;
    });
    expect(taken).toEqual(['long', 'large', 'wide', 'first', 'second', 'unknown']);
  });

  it('spreads an anti-affinity group over nodes', () => {
    const fleet = buildFleet([node('n1'), node('n2')]);
    const group = { name: 'g', policy: 'anti-affinity' } as const;
    const decisions = placeBatch(
      fleet,
      ['a', 'b', 'c'].map((id) => request(id, { group })),
      policies.berth,
    );
    expect(decisions.map((decision) => (decision.placed ? decision.node : decision.explanation.rejected))).toEqual([
      'n1',
      'n2',
      { 'anti-affinity': 2 },
    ]);
  });
});
