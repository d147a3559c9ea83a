import { readFileSync } from 'node:fs';
import { locate } from './locate.js';
import type { KernelInitrdImage } from './vmm-spec.js';

export const guestArchitectures = ['x86_64', 'i386'] as const;
export type GuestArchitecture = (typeof guestArchitectures)[number];

const folders = { x86_64: 'deploy/guest/artifact', i386: 'deploy/guest/artifact/i386' } as const;
/** QEMU enters an ELF image directly; v86 takes what a boot loader takes. */
const kernels = { x86_64: 'vmlinux', i386: 'bzImage' } as const;

/** The guest that comes with Berth: `deploy/guest`. */
export function tinyGuest(architecture: GuestArchitecture = 'x86_64'): KernelInitrdImage {
  const folder = folders[architecture];
  return {
    kind: 'kernel-initrd',
    kernelPath: locate(`${folder}/${kernels[architecture]}`),
    initrdPath: locate(`${folder}/initrd`),
    cmdline: readFileSync(locate('deploy/guest/cmdline'), 'utf8').trim(),
  };
}
