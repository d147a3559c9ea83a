import { describe, expect, it } from 'vitest';
import { density } from './density.js';
import type { NodeSpec } from './fleet.js';
import { policies } from './policy.js';
import { emptiableNodes, fleetOf, repackedNodes } from './repack.js';
import type { PlacedInstance } from './repack.js';

const nodes: NodeSpec[] = ['n1', 'n2', 'n3'].map((id) => ({
  id,
  capacity: { cpuMillis: 4000, memoryMib: 4096, diskGib: 40 },
}));
const shape = { cpuMillis: 1000, memoryMib: 1024, diskGib: 0 };
const on = (node: string, id: string, spec: Partial<PlacedInstance> = {}): PlacedInstance => ({
  ...shape,
  id,
  node,
  project: 'p',
  priority: 0,
  ...spec,
});

describe('emptiableNodes', () => {
  it('empties the least loaded node onto the others and says where each instance goes', () => {
    const instances = [on('n1', 'a'), on('n2', 'b'), on('n2', 'c')];
    expect(emptiableNodes(nodes, instances, policies.berth)).toEqual([
      { node: 'n1', moves: [{ instance: 'a', to: 'n2' }] },
    ]);
  });

  it('keeps the constraints: members of an anti-affinity group stay apart', () => {
    const group = { name: 'g', policy: 'anti-affinity' } as const;
    expect(emptiableNodes(nodes, [on('n1', 'a', { group }), on('n2', 'b', { group })], policies.berth)).toEqual([]);
  });
});

describe('repackedNodes', () => {
  it('needs no more nodes than the load does', () => {
    const instances = [on('n1', 'a'), on('n2', 'b'), on('n3', 'c')];
    expect(repackedNodes(nodes, instances, policies.berth)).toBe(1);
    expect(density(fleetOf(nodes, instances), shape)).toMatchObject({ nodesInUse: 3, leastNodesBound: 1 });
  });
});

describe('density', () => {
  it('counts what is free but useless for want of another resource as stranded', () => {
    const fleet = fleetOf(nodes.slice(0, 2), [on('n1', 'a', { cpuMillis: 4000, memoryMib: 1024 })]);
    expect(density(fleet, shape)).toEqual({
      nodesOn: 2,
      nodesInUse: 1,
      packingDensity: { cpuMillis: 0.5, memoryMib: 0.125, diskGib: 0 },
      strandedCapacity: { cpuMillis: 0, memoryMib: 3 / 8, diskGib: 40 / 80 },
      fragmentation: 0,
      leastNodesBound: 1,
    });
  });
});
