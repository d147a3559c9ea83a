import { readFileSync } from 'node:fs';
import type { KernelInitrdImage } from './vmm-spec.js';
import { locate } from './locate.js';

/** The guest that comes with Berth: `deploy/guest`. */
export function tinyGuest(): KernelInitrdImage {
  return {
    kind: 'kernel-initrd',
    kernelPath: locate('deploy/guest/artifact/vmlinux'),
    initrdPath: locate('deploy/guest/artifact/initrd'),
    cmdline: readFileSync(locate('deploy/guest/cmdline'), 'utf8').trim(),
  };
}
