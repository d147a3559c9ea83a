import { describe, expect, test } from 'vitest';
import { guestMemory, storageStats, vcpuThreads } from './engine-answers.js';

const stats = {
  rd_bytes: 4096,
  wr_bytes: 512,
  rd_operations: 2,
  wr_operations: 1,
  rd_total_time_ns: 3_000_000,
  wr_total_time_ns: 500_000,
  flush_operations: 7,
};

test('drives are summed, without what lies below them', () => {
  const disk = { 'node-name': 'root', qdev: '/machine/peripheral-anon/device[3]', stats, backing: { stats } };
  expect(storageStats([disk, { device: 'floppy0', stats: { ...stats, rd_bytes: 1 } }])).toEqual({
    readBytes: 4097,
    writtenBytes: 1024,
    reads: 4,
    writes: 2,
    readMs: 6,
    writeMs: 1,
  });
});

test.each([undefined, {}, [{ device: 'sda' }], [{ stats: { ...stats, wr_bytes: -1 } }], [{ stats: { rd_bytes: 1 } }]])(
  'what is no answer is no storage: %j',
  (answer) => expect(storageStats(answer)).toBeUndefined(),
);

test('a thread in which several vcpus take turns counts once', () => {
  const cpus = [
    { 'cpu-index': 0, 'thread-id': 71 },
    { 'cpu-index': 1, 'thread-id': 71 },
    { 'cpu-index': 2, 'thread-id': 72 },
  ];
  expect(vcpuThreads(cpus, 3)).toEqual([71, 72]);
});

test.each([undefined, [{ 'thread-id': '../1' }], [{ 'thread-id': -1 }], [{ 'thread-id': 1 }, { 'thread-id': 2 }]])(
  'threads that one vcpu cannot have are not believed: %j',
  (answer) => expect(vcpuThreads(answer, 1)).toEqual([]),
);

describe('the memory of a guest', () => {
  const nowMs = 1_795_480_785_000;
  const given = { 'stat-total-memory': 64 * 2 ** 20, 'stat-available-memory': 16 * 2 ** 20 };
  const none = { 'stat-total-memory': 2 ** 64 - 1, 'stat-available-memory': 2 ** 64 - 1 };

  test('is what its balloon told within the last minute', () => {
    const answer = { 'last-update': nowMs / 1000 - 10, stats: { ...given, 'stat-free-memory': 1 } };
    expect(guestMemory(answer, nowMs)).toEqual({ memoryTotalMib: 64, memoryAvailableMib: 16 });
  });

  test.each([
    ['without a driver', { 'last-update': 0, stats: none }],
    ['whose driver does not know', { 'last-update': nowMs / 1000, stats: none }],
    ['with more than all', { 'last-update': nowMs / 1000, stats: { ...given, 'stat-available-memory': 2 ** 40 } }],
    ['that has long said nothing', { 'last-update': nowMs / 1000 - 61, stats: given }],
    ['whose engine gave no answer', undefined],
  ])('is not known of one %s', (_, answer) => expect(guestMemory(answer, nowMs)).toBeUndefined());
});
