import type { FleetNode } from '@berth/database/fleet.repository.js';
import { expect, test } from 'vitest';
import { decideMigrations, type Moving } from './decide-migrations.js';

const room = { cpuMillis: 2_000, memoryMib: 4_096, diskGib: 10 };
const node = (id: string, allocated = { cpuMillis: 0, memoryMib: 0, diskGib: 0 }): FleetNode => ({
  id,
  nodeId: `id-of-${id}`,
  workerId: id,
  drivers: ['tcg'],
  zone: 'z',
  rack: `rack-of-${id}`,
  labels: {},
  capacity: room,
  allocatable: room,
  allocated,
  reachable: true,
  cordoned: false,
});
const nodes = [node('a'), node('b'), node('c')];
const moving = (changes: Partial<Moving> = {}): Moving => ({
  operationId: 'o1',
  id: 'i1',
  name: 'web-1',
  projectId: 'p',
  vcpus: 1,
  memoryMib: 64,
  diskGib: 0,
  constraints: {},
  sourceVmmId: 'v1',
  sourceNodeId: 'id-of-a',
  driver: 'tcg',
  wantedNodeId: null,
  ...changes,
});
const mate = (where: string) => ({ node: where, projectId: 'p', group: 'web' });
const targetsOf = (...given: Parameters<typeof decideMigrations>): string[] =>
  decideMigrations(...given).planned.map(({ nodeId }) => nodeId);

test('it goes to another node than its own, and to the one that was named', () => {
  expect(targetsOf(nodes, [], [moving()])).not.toEqual(['id-of-a']);
  expect(targetsOf(nodes, [], [moving({ wantedNodeId: 'id-of-c' })])).toEqual(['id-of-c']);
});

test('the own node is no target even when it is the one named', () => {
  const { planned, refused } = decideMigrations(nodes, [], [moving({ wantedNodeId: 'id-of-a' })]);
  expect(planned).toEqual([]);
  expect(refused).toMatchObject([{ operationId: 'o1', problem: { code: 'no-node-fits' } }]);
});

test.each(['affinity', 'anti-affinity', 'spread-zone', 'spread-rack'] as const)(
  'a group of policy %s with members on nodes that are no target is decided on all the same',
  (policy) => {
    const constraints = { group: { name: 'web', policy } };
    const everywhere = ['a', 'b', 'c'].map(mate);
    const one = moving({ constraints, wantedNodeId: 'id-of-b' });
    const { planned, refused } = decideMigrations(nodes, everywhere, [one]);
    expect([planned.length, refused.length]).toEqual(policy === 'anti-affinity' ? [0, 1] : [1, 0]);
  },
);

test('one of an anti-affinity group never joins another of it', () => {
  const constraints = { group: { name: 'web', policy: 'anti-affinity' as const } };
  expect(targetsOf(nodes, [mate('a'), mate('b')], [moving({ constraints })])).toEqual(['id-of-c']);
});

test('two that move in one round do not count on the same room', () => {
  const small = [node('a'), { ...node('b'), allocatable: { ...room, cpuMillis: 1_000 } }];
  const { planned, refused } = decideMigrations(small, [], [moving(), moving({ operationId: 'o2', id: 'i2' })]);
  expect(planned.map(({ operationId }) => operationId)).toEqual(['o1']);
  expect(refused.map(({ operationId }) => operationId)).toEqual(['o2']);
});
