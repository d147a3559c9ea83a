import { machineProfiles, readyTextMaxChars, readyWords } from '@berth/domain/image-state.js';
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

/** The memory of a vmm that runs on this machine: where its process has it open. */
const vmmMemory = z.object({
  vmmId: z.string(),
  pid: z.int().positive(),
  startTicks: z.number(),
  descriptor: z.int().min(0),
});
export type VmmMemory = Readonly<z.infer<typeof vmmMemory>>;

/**
 * Where the guest's first instant comes from. boot: cold. saved: goes on where its own saved state ended. template: a
 * private copy of a template's state and memory, which stay untouched. incoming: waits for a live migration to bring
 * it; `postcopy`: may serve its page faults itself, so that it can go on before all of its memory is there; `memory`:
 * it has the very memory of the vmm that it comes from.
 */
const origin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('boot') }),
  z.object({ kind: z.literal('saved'), statePath: path, memoryPath: path.optional() }),
  z.object({ kind: z.literal('template'), statePath: path, memoryPath: path.optional() }),
  z.object({ kind: z.literal('incoming'), postcopy: z.boolean().optional(), memory: vmmMemory.optional() }),
]);
export type Origin = Readonly<z.infer<typeof origin>>;

/** An unmodified operating system: the firmware finds its boot loader on the drives, in their order. */
const firmwareImage = z.object({ kind: z.literal('firmware'), firmware: z.enum(['bios', 'uefi']) });

const readySign = z.union([z.enum(readyWords), z.object({ serial: z.string().min(1).max(readyTextMaxChars) })]);
export type ReadySign = z.infer<typeof readySign>;

export const driveFormats = ['raw', 'qcow2'] as const;

/** The format is what our record says, never guessed. */
const layer = z.object({ path, format: z.enum(driveFormats) });

/** `path` belongs to this vmm alone unless `readOnly`. */
const drive = layer.extend({
  id: z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  medium: z.enum(['disk', 'cdrom', 'floppy']),
  readOnly: z.boolean(),
  /** What a qcow2 drive lies over, nearest first. The file itself is not asked: its guest may have written that. */
  backing: z.array(layer).optional(),
});
export type Drive = Readonly<z.infer<typeof drive>>;

const port = z.int().min(1).max(65_535);

/** User-mode network: in by the ports declared, each bound to one address of the node; not out. */
const network = z.object({
  macAddress: z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
  /** `host`: 127.0.0.1 when absent. */
  forwards: z.array(z.object({ host: z.ipv4().optional(), hostPort: port, guestPort: port })),
});

/** What one vmm is to be: plain data, kept on disk before anything runs. */
export const vmmSpec = z.object({
  vmmId: z.string(),
  instanceId: z.string(),
  instanceName: z.string(),
  /** Grows with every vmm of one instance; a driver refuses a lower one than it has seen. */
  generation: z.int(),
  vcpus: z.int(),
  memoryMib: z.int(),
  onIsolation: z.enum(isolationPolicies),
  image: z.discriminatedUnion('kind', [kernelInitrdImage, firmwareImage]),
  /** `beat` when absent, `firmware` for a firmware image. */
  ready: readySign.optional(),
  /** `virtio` when absent. */
  profile: z.enum(machineProfiles).optional(),
  /** The firmware tries them in this order. */
  drives: z.array(drive).optional(),
  /** Absent: no network card. */
  network: network.optional(),
  /** The guest's memory as a file, to be mapped by others: a template's. */
  memoryPath: path.optional(),
  /** `boot` when absent. */
  origin: origin.optional(),
});
export type VmmSpec = Readonly<z.infer<typeof vmmSpec>>;

export function readySignOf({ ready, image }: Pick<VmmSpec, 'ready' | 'image'>): ReadySign {
  return ready ?? (image.kind === 'firmware' ? 'firmware' : 'beat');
}
