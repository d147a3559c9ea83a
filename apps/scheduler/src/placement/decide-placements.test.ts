import type { FleetNode } from '@berth/database/fleet.repository.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import { expect, test } from 'vitest';
import { decidePlacements, noNodeFitsAfterMs, type Pending } from './decide-placements.js';

const room = { cpuMillis: 8_000, memoryMib: 8_192, diskGib: 100 };
const node = (id: string, drivers: EngineDriverName[]): FleetNode => ({
  id,
  nodeId: `id-of-${id}`,
  workerId: `worker-of-${id}`,
  drivers,
  zone: 'z',
  rack: 'r',
  labels: {},
  capacity: room,
  allocatable: room,
  allocated: { cpuMillis: 0, memoryMib: 0, diskGib: 0 },
  reachable: true,
  cordoned: false,
});
const pending = (changes: Partial<Pending> = {}): Pending => ({
  operationId: 'o',
  initiator: 'user',
  id: 'i',
  projectId: 'p',
  vcpus: 1,
  memoryMib: 64,
  diskGib: 0,
  batchSize: 1,
  constraints: {},
  architecture: 'i386',
  firmware: 'direct',
  failedDrivers: [],
  waitedMs: noNodeFitsAfterMs,
  ...changes,
});
const small = node('small', ['v86']);
const both = node('both', ['v86', 'tcg']);

/** `node/driver` of what is placed, else the problem's detail. */
function decided(nodes: readonly FleetNode[], instance: Pending): string {
  const { proposed, failed } = decidePlacements(nodes, [], [instance]);
  return proposed[0] ? `${proposed[0].node}/${proposed[0].driver}` : (failed[0]?.problem.detail ?? 'waits');
}

test('an instance lands on no engine that cannot boot its image, however well it would fit there', () => {
  expect(decided([small], pending())).toBe('small/v86');
  expect(decided([both], pending({ architecture: 'x86_64' }))).toBe('both/tcg');
  expect(decided([small, both], pending({ firmware: 'bios' }))).toBe('both/tcg');
  expect(decided([small, both], pending({ vcpus: 2 }))).toBe('both/tcg');
});

test('where no node can boot it, the reason is its image, and what would help is said', () => {
  const { failed } = decidePlacements([small], [], [pending({ architecture: 'x86_64' })]);
  expect(failed[0]?.problem).toMatchObject({ code: 'no-node-fits', context: { rejected: { image: 1 } } });
  expect(JSON.stringify(failed[0]?.problem)).toContain('with an image and type that v86 can boot');
});

test('an engine that is asked for and cannot boot it is refused for the image, not for other engines', () => {
  const asked = pending({ architecture: 'x86_64', constraints: { drivers: ['v86'] } });
  expect(decided([both], asked)).toContain('with an image and type that v86 can boot');
});

test('one whose engine failed it goes on under another that can boot it, or nowhere', () => {
  expect(decided([both], pending({ failedDrivers: ['v86'] }))).toBe('both/tcg');
  expect(decided([both], pending({ architecture: 'x86_64', failedDrivers: ['tcg'] }))).not.toContain('/');
});
