import { open } from 'node:fs/promises';
import { EngineError } from '../driver.js';
import type { KernelInitrdImage, VmmSpec } from '../vmm-spec.js';

/** Of the Linux x86 boot protocol: where a bzImage says what it is, and whether it is of 64 bits. */
const magicAt = 0x202;
const magic = 'HdrS';
const loadFlagsAt = 0x236;
const is64Bit = 1;
const headerBytes = 0x268;

/** @throws EngineError image-unavailable when the image is of another kind than v86 starts */
export function kernelImageOf({ image }: Pick<VmmSpec, 'image'>): KernelInitrdImage {
  if (image.kind === 'kernel-initrd') return image;
  throw new EngineError('image-unavailable', 'v86 starts images of a kernel and an initrd, none from its own disk');
}

/** @throws EngineError image-unavailable when it is no Linux kernel of 32 bits */
export async function checkKernel(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 0);
    const found = header.toString('latin1', magicAt, magicAt + magic.length) === magic;
    if (found && !((header[loadFlagsAt] ?? 0) & is64Bit)) return;
  } finally {
    await file.close();
  }
  throw new EngineError(
    'image-unavailable',
    `${path} is no bzImage of 32 bits, and v86 runs no other: use an i386 image`,
  );
}
