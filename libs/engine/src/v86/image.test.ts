import { expect, test } from 'vitest';
import { tinyGuest } from '../tiny-guest.js';
import { checkKernel, kernelImageOf } from './image.js';

test('the kernel of the i386 guest is one that v86 runs, that of x86_64 is refused with the way out', async () => {
  await checkKernel(tinyGuest('i386').kernelPath);
  await expect(checkKernel(tinyGuest('x86_64').kernelPath)).rejects.toThrow(/no bzImage of 32 bits.*use an i386 image/);
});

test('an image that boots from its own disk is refused', () => {
  expect(() => kernelImageOf({ image: { kind: 'firmware', firmware: 'bios' } })).toThrow(/none from its own disk/);
});
