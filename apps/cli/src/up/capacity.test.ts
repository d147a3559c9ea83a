import { vmmMemoryOverheadMib } from '@berth/domain/limits.js';
import { expect, test } from 'vitest';
import { cpuOvercommitRatio, splitMachine } from './capacity.js';

test('the nodes together never offer more memory than the machine has', () => {
  for (const nodes of [1, 2, 3, 7]) {
    const { memoryMib } = splitMachine({ cores: 2, memoryMib: 1_000, diskGib: 10 }, nodes);
    expect(memoryMib * nodes).toBeLessThanOrEqual(1_000);
  }
});

test('two cores and 24 GiB in three nodes hold forty guests of 64 MiB', () => {
  const { cpuMillis, memoryMib } = splitMachine({ cores: 2, memoryMib: 24 * 1024, diskGib: 100 }, 3);
  const byMemory = Math.floor(memoryMib / (64 + vmmMemoryOverheadMib.tcg));
  const byCpu = (cpuMillis * cpuOvercommitRatio) / 1000;
  expect(3 * Math.min(byMemory, byCpu)).toBeGreaterThanOrEqual(40);
});
