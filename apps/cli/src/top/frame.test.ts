import type { FleetView, NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { expect, test } from 'vitest';
import { frameOf, type Look } from './frame.js';

const amounts = { cpuMillis: 4_000, memoryMib: 1_000, diskGib: 10 };
const fleet: FleetView = {
  nodesUp: 2,
  nodesInUse: 1,
  instances: 30,
  instancesPerNodeInUse: 30,
  packingDensity: { cpuRatio: 0.5, memoryRatio: 0.25 },
  stranded: { cpuMillis: 0, memoryMib: 512, cpuRatio: 0, memoryRatio: 0 },
  referenceShape: 'tiny',
  leastNodes: 1,
  leastNodesLowerBound: 1,
  emptiable: ['node-2'],
  utilizationRatio: 0.125,
  powerWatts: 231.4,
  energyKwh: 0.01,
  cost: { currency: 'EUR', total: 0.02, perHour: 0.3, tariffPerKwh: 0.25 },
  nodes: [],
  explanation: [],
};

function node(name: string, used: number): NodeView {
  return {
    id: name,
    name,
    state: 'up',
    cordoned: name === 'node-2',
    draining: false,
    driver: 'tcg',
    drivers: ['tcg'],
    engine: null,
    zone: 'a',
    rack: 'r',
    labels: {},
    capacity: amounts,
    allocatable: amounts,
    allocated: { ...amounts, memoryMib: 500 },
    usedCpuMillis: used,
    usedMemoryMib: 0,
    instances: 3,
    certificateExpiresAt: null,
    powerModel: 'linear',
    powerWatts: 100,
    energyJoules: 0,
    lastSeenAgeMs: 10,
    registeredAt: '2026-01-01T00:00:00.000Z',
  };
}

const instances = Array.from({ length: 30 }, (_, at) => {
  const view: Partial<InstanceView> = {
    name: `guest-${at + 1}`,
    state: at === 0 ? 'pending' : 'running',
    node: at === 0 ? null : 'node-1',
    driver: 'tcg',
    usedCpuMillis: at === 0 ? null : at,
    usedMemoryMib: 90,
    powerWatts: 1.5,
    timeToReadyMs: 900,
    restartCount: 0,
  };
  return view as InstanceView;
});
const look: Look = { fleet, nodes: [node('node-1', 2_000), node('node-2', 0)], instances };

test('a frame fits the screen, whatever its size', () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 5],
  ] as const) {
    const lines = frameOf(look, columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});

test('it says how full, how many would do, and which nodes could be emptied', () => {
  const text = frameOf(look, 200, 60).join('\n');
  expect(text).toMatch(/2 nodes up, 1 in use, 1 would do +29 of 30 instances running +cpu used 13 %/);
  expect(text).toMatch(/could be emptied: node-2/);
  expect(text).toMatch(/node-1 +up +tcg +3 +██████······ +50 % +██████······ +50 %/);
  expect(text).toMatch(/node-2 +cordoned/);
});

test('the busiest instances come first, and those without room are counted', () => {
  const lines = frameOf(look, 120, 20);
  expect(lines.find((line) => line.startsWith('guest'))).toMatch(/^guest-30 /);
  const shown = lines.filter((line) => line.startsWith('guest')).length;
  expect(lines.at(-1)).toBe(`... and ${30 - shown} more`);
  expect(frameOf(look, 120, 60).filter((line) => line.startsWith('guest'))).toHaveLength(30);
});
