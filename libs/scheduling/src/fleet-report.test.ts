import { expect, test } from 'vitest';
import { fleetReport, type RecordedResident } from './fleet-report.js';
import { policies } from './policy.js';

const capacity = { cpuMillis: 4_000, memoryMib: 1_000, diskGib: 10 };
const shape = { cpuMillis: 1_000, memoryMib: 200, diskGib: 0 };
const node = (id: string) => ({ id, capacity, drivers: ['tcg'] as const });

function resident(name: string, on: string, memoryMib: number, constraints = {}): RecordedResident {
  return { id: name, name, projectId: 'p', node: on, cpuMillis: 1_000, memoryMib, diskGib: 0, constraints };
}

test('two half-empty nodes are one too many: the lesser could be emptied, and the report says onto which', () => {
  const load = [resident('a', 'n1', 600), resident('b', 'n2', 300)];
  const report = fleetReport([node('n1'), node('n2'), node('n3')], load, shape, policies.berth);
  expect(report).toMatchObject({ leastNodes: 1, density: { nodesInUse: 2, leastNodesBound: 1 } });
  expect(report.emptiable).toEqual([{ node: 'n2', moves: [{ instance: 'b', to: 'n1' }] }]);
  expect(report.reasonOf('n2')).toBe('its instances would fit elsewhere: 1 on n1');
  expect(report.density.packingDensity.memoryMib).toBeCloseTo(0.45);
});

test('a node that cannot be emptied names the instance in the way', () => {
  const load = [resident('a', 'n1', 900), resident('b', 'n2', 900)];
  const report = fleetReport([node('n1'), node('n2')], load, shape, policies.berth);
  expect(report.emptiable).toEqual([]);
  expect(report.leastNodes).toBe(2);
  expect(report.reasonOf('n1')).toMatch(/^a has no other place: none of 2 nodes fits/);
});

test('what may not share a node keeps its nodes in use', () => {
  const apart = { group: { name: 'g', policy: 'anti-affinity' as const } };
  const load = [resident('a', 'n1', 100, apart), resident('b', 'n2', 100, apart)];
  const report = fleetReport([node('n1'), node('n2')], load, shape, policies.berth);
  expect(report).toMatchObject({ leastNodes: 2, emptiable: [] });
});

test('nodes that are not reachable count for nothing', () => {
  const lost = { ...node('n2'), reachable: false };
  const report = fleetReport([node('n1'), lost], [resident('b', 'n2', 300)], shape, policies.berth);
  expect(report).toMatchObject({ leastNodes: 0, density: { nodesOn: 1, nodesInUse: 0 } });
});
