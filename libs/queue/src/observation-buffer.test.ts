import type { Observation } from '@berth/contracts/observation.js';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ObservationBuffer } from './observation-buffer.js';

const uuid = '00000000-0000-4000-8000-000000000000';
const beat = (vmms: [] | null): Observation => ({
  kind: 'nodes-beat',
  workerId: 'w',
  leaseId: 'l',
  nodes: [{ nodeId: uuid, usedCpuMillis: 0, usedMemoryMib: 0, vmms }],
});
const vmm = { nodeId: uuid, vmmId: uuid, instanceId: uuid, generation: 1 };
const make: Record<string, () => Observation> = {
  light: () => beat(null),
  inventory: () => beat([]),
  adopted: () => ({ kind: 'vmm-adopted', ...vmm, pid: 1 }),
  gone: () => ({ kind: 'vmm-gone', operationId: null, ...vmm, exit: { reason: 'killed', detail: '' } }),
};

it('full, it drops the oldest light beat first, then inventories, then passing states', () => {
  const buffer = new ObservationBuffer(3);
  const [inventory, firstLight, adopted, secondLight] = [
    make.inventory!(),
    make.light!(),
    make.adopted!(),
    make.light!(),
  ];
  for (const observation of [inventory, firstLight, adopted, secondLight]) buffer.push(observation);
  expect(buffer.peek(9)).toEqual([inventory, adopted, secondLight]);
  buffer.push(make.gone!());
  expect(buffer.peek(9)).toEqual([inventory, adopted, make.gone!()]);
  buffer.push(make.gone!());
  expect(buffer.peek(9).map(({ kind }) => kind)).toEqual(['vmm-adopted', 'vmm-gone', 'vmm-gone']);
  expect(buffer.droppedCount).toBe(3);
});

it('never drops the end of a vmm, and keeps to its limit with all that may be dropped', () => {
  const kinds = fc.array(fc.constantFrom('light', 'inventory', 'adopted', 'gone'), { maxLength: 40 });
  fc.assert(
    fc.property(kinds, fc.integer({ min: 1, max: 8 }), (told, limit) => {
      const buffer = new ObservationBuffer(limit);
      for (const kind of told) buffer.push(make[kind]!());
      const kept = buffer.peek(100).map(({ kind }) => kind);
      const ends = told.filter((kind) => kind === 'gone').length;
      expect(kept.filter((kind) => kind === 'vmm-gone')).toHaveLength(ends);
      expect(kept.length).toBe(Math.min(told.length, Math.max(limit, ends)));
      expect(kept.length + buffer.droppedCount).toBe(told.length);
    }),
  );
});

it('forgets only what Redis has taken, whatever came in meanwhile', () => {
  const buffer = new ObservationBuffer(10);
  const [first, second] = [make.gone!(), make.gone!()];
  buffer.push(first);
  const sent = buffer.peek(5);
  buffer.push(second);
  expect([buffer.holds('vmm-gone'), buffer.holds('vmm-adopted')]).toEqual([true, false]);
  buffer.accepted(sent);
  expect(buffer.peek(5)).toEqual([second]);
  expect(buffer.depth).toBe(1);
});
