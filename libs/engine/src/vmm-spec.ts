import { isolationPolicies } from '@berth/domain/instance-state.js';
import { z } from 'zod';

const path = z.string().startsWith('/');

/** A guest started straight from a kernel and an initial RAM disk; both files are on the node already. */
const kernelInitrdImage = z.object({
  kind: z.literal('kernel-initrd'),
  kernelPath: path,
  initrdPath: path,
  cmdline: z.string(),
});
export type KernelInitrdImage = Readonly<z.infer<typeof kernelInitrdImage>>;

/**
 * Where the guest's first instant comes from. boot: cold. saved: goes on where its own saved state ended. template: a
 * private copy of a template's state and memory, which stay untouched. incoming: waits for a live migration to bring
 * it.
 */
const origin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('boot') }),
  z.object({ kind: z.literal('saved'), statePath: path, memoryPath: path.optional() }),
  z.object({ kind: z.literal('template'), statePath: path, memoryPath: path }),
  z.object({ kind: z.literal('incoming') }),
]);
export type Origin = Readonly<z.infer<typeof origin>>;

/** What one vmm is to be: plain data, kept on disk before anything runs. */
export const vmmSpec = z.object({
  vmmId: z.string(),
  instanceId: z.string(),
  instanceName: z.string(),
  /** Grows with every vmm of one instance; a driver refuses a lower one than it has seen. */
  generation: z.int(),
  vcpus: z.int(),
  memoryMib: z.int(),
  image: kernelInitrdImage,
  onIsolation: z.enum(isolationPolicies),
  /** The guest's memory as a file, to be mapped by another vmm: a template's, or one that moves on its own node. */
  memoryPath: path.optional(),
  /** `boot` when absent. */
  origin: origin.optional(),
});
export type VmmSpec = Readonly<z.infer<typeof vmmSpec>>;
