import { expect, test } from 'vitest';
import { enginesFor, type BootNeeds } from './boot-needs.js';

const tiny: BootNeeds = { architecture: 'i386', firmware: 'direct', vcpus: 1, memoryMib: 64 };
const others = ['kvm', 'tcg', 'model'];

test('v86 boots a kernel of 32 bits on one vcpu, and every other engine boots it too', () => {
  expect(enginesFor(tiny)).toEqual(['kvm', 'tcg', 'v86', 'model']);
});

test.each<[string, Partial<BootNeeds>]>([
  ['64 bits', { architecture: 'x86_64' }],
  ['an image with its own boot loader', { firmware: 'bios' }],
  ['UEFI', { firmware: 'uefi' }],
  ['two vcpus', { vcpus: 2 }],
  ['more memory than it has', { memoryMib: 2048 }],
])('v86 does not boot %s; the others do', (_, change) => {
  expect(enginesFor({ ...tiny, ...change })).toEqual(others);
});
