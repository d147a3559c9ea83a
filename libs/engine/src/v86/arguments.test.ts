import { expect, test } from 'vitest';
import type { VmmSpec } from '../vmm-spec.js';
import { guardArguments } from './arguments.js';
import { parseGuardArguments } from './guard/options.js';

const spec: VmmSpec = {
  vmmId: 'v1',
  instanceId: 'i1',
  instanceName: 'web-1',
  generation: 1,
  vcpus: 1,
  memoryMib: 64,
  image: { kind: 'kernel-initrd', kernelPath: '/images/bzImage', initrdPath: '/images/initrd', cmdline: 'quiet' },
  onIsolation: 'keep',
};
const options = { guardPath: '/guard.js', leasePath: '/node/lease', biosPath: '/bios', vgaBiosPath: '/vga' };
const toldTo = (changes: Partial<VmmSpec>) => {
  const line = guardArguments({ ...spec, ...changes }, options);
  return parseGuardArguments(line.slice(line.indexOf(options.guardPath) + 1));
};

test('a guard understands what it is told: machine, firmware and image', () => {
  expect(toldTo({})).toEqual({
    name: 'web-1',
    memoryMib: 64,
    consoleBytes: 1024 * 1024,
    bios: '/bios',
    vgaBios: '/vga',
    kernel: '/images/bzImage',
    initrd: '/images/initrd',
    incoming: false,
    cmdline: 'quiet no_timer_check tsc_early_khz=1000000 tsc=reliable lpj=5000000 hostname=web-1',
  });
});

test('a command line that begins with a dash is one', () => {
  const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '--lease=/x -S' } as const;
  expect(toldTo({ image })).toMatchObject({ cmdline: expect.stringMatching(/^--lease=\/x -S no_timer_check /) });
  expect(toldTo({ image }).lease).toBe(toldTo({}).lease);
});

test('the process bears the name of its instance from its first moment', () => {
  expect(guardArguments(spec, options)).toContain('--title=berth-web-1');
});

test('only a guest that shall end in isolation has a lease', () => {
  expect(toldTo({ onIsolation: 'stop' }).lease).toEqual({ path: '/node/lease', seconds: 12 });
});

test('a guest that was saved, or is a copy, begins with that state', () => {
  expect(toldTo({ origin: { kind: 'saved', statePath: '/state' } }).restore).toBe('/state');
  expect(toldTo({ origin: { kind: 'boot' } }).restore).toBeUndefined();
});

test('one that waits for a guest does not boot', () => {
  expect(toldTo({ origin: { kind: 'incoming' } })).toMatchObject({ incoming: true });
});

test('a flag that is missing or unknown is named', () => {
  expect(() => parseGuardArguments(['--name', 'web-1'])).toThrow('--memory-mib is missing');
  expect(() => parseGuardArguments(['--colour', 'red'])).toThrow('--colour');
});
