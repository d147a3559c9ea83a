import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExit, parseIntent, parseProcesses, parseRecord } from './record.js';

const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' };
const spec = { vmmId: 'v', instanceId: 'i', instanceName: 'n', generation: 1, vcpus: 1, memoryMib: 64, image };
const record = { spec: { ...spec, onIsolation: 'keep' }, bootId: 'b', startedAtMs: 1, imageAtMs: 2 };
const processes = { guard: { pid: 1, startTicks: 2 }, vmm: { pid: 3, startTicks: 4 } };
const exit = { exitCode: null, signal: 9, isolated: false, oom: false };

test('what was written is read back', () => {
  expect(parseRecord(JSON.stringify(record))).toEqual(record);
  expect(parseProcesses(JSON.stringify(processes))).toEqual(processes);
  expect(parseExit(JSON.stringify(exit))).toEqual(exit);
  expect(parseIntent('stopped')).toBe('stopped');
});

test('a file cut short anywhere is refused', () => {
  const files = [
    [parseRecord, record],
    [parseProcesses, processes],
    [parseExit, exit],
  ] as const;
  for (const [parse, value] of files) {
    const text = JSON.stringify(value);
    for (let length = 0; length < text.length; length++) expect(parse(text.slice(0, length))).toBeUndefined();
  }
});

test('a record that lacks any field, or has one of another kind, is refused', () => {
  for (const field of Object.keys(record)) {
    expect(parseRecord(JSON.stringify({ ...record, [field]: undefined }))).toBeUndefined();
  }
  for (const field of Object.keys(record.spec)) {
    const wrong = { ...record, spec: { ...record.spec, [field]: [] } };
    expect(parseRecord(JSON.stringify(wrong))).toBeUndefined();
  }
});

test('no text makes a parser throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const parse of [parseRecord, parseProcesses, parseExit, parseIntent]) expect(parse(text)).toBeUndefined();
    }),
  );
});
