import { isolationPolicies } from '@berth/domain/instance-state.js';
import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import { engineDrivers } from '@berth/domain/node-state.js';
import { exitReasons } from '@berth/domain/vmm-state.js';
import { z } from 'zod';
import { guestPorts, tcpPort } from './http/guest-access.js';
import { imageContent } from './http/image.js';
import { id, name } from './primitives.js';

/** All a node needs to start one vmm: workers have no database to ask. Plain data, nothing secret. */
export const vmmOrder = z.object({
  vmmId: id,
  instanceId: id,
  instanceName: name,
  project: name,
  generation: z.int().positive(),
  driver: z.enum(engineDrivers),
  vcpus: z.int().positive(),
  memoryMib: z.int().positive(),
  diskGib: z.int().min(0),
  onIsolation: z.enum(isolationPolicies),
  image: imageContent,
  /** It boots from that, with its own disk behind. */
  rescueImage: imageContent.optional(),
  /** Of the guest, to be reached from outside. */
  ports: guestPorts.optional(),
  /** There is more for its first boot than its name: to be asked for, as it is not for a queue. */
  hasSeed: z.boolean().optional(),
  /** A disk of another count is of before, and of no use. */
  rebuildCount: z.int().min(0).optional(),
  /** It goes on from its memory, which this node has kept. */
  resumes: z.boolean().optional(),
  /** Its first instant, memory and disk; absent: it boots from the disk it has. */
  snapshotId: id.optional(),
  /** Of that snapshot it has the disk only: it boots, and is to be told who it is. */
  bootsSnapshot: z.boolean().optional(),
});
export type VmmOrder = z.infer<typeof vmmOrder>;

/** Whose system runs in it. */
export function bootImageOf({ image, rescueImage }: Pick<VmmOrder, 'image' | 'rescueImage'>): VmmOrder['image'] {
  return rescueImage ?? image;
}

/** Milliseconds since the node took the job, on its monotonic clock; null: not reached. */
export const startTimings = z.object({
  imageMs: z.number().nullable(),
  spawnedMs: z.number().nullable(),
  kernelMs: z.number().nullable(),
  readyMs: z.number().nullable(),
});
export type StartTimings = z.infer<typeof startTimings>;

/** PEM, for anyone to see: by it the other end of a migration knows a node. */
export const nodeCertificate = z.string().max(8_000);

/** Where a target waits for its guest, and with what engine. */
export const migrationAddress = z.object({
  host: z.string().max(255),
  port: tcpPort,
  /** Where it takes the guest's disks; absent: it has none. */
  diskPort: tcpPort.optional(),
  /** The guest can go on there before all of its memory is there. */
  postcopy: z.boolean().optional(),
  /** It has the guest's memory already, which is on the same machine. */
  sharesMemory: z.boolean().optional(),
  /** Why it has not. */
  memorySentBecause: z.string().max(500).optional(),
  /** Of its node, which lets nothing in but by TLS; absent: it comes as it is. */
  certificate: nodeCertificate.optional(),
  engineMajor: z.int().min(0),
});

/** Where it takes the rest of its guest's memory. */
export const restAddress = migrationAddress.pick({ host: true, port: true });

const bytes = z.number().min(0);
export const migrationProgress = z.object({
  phase: z.enum(['disks', 'memory']),
  percent: z.int().min(0).max(100).describe('of the disks and the memory; what is written anew on the way is sent too'),
  sentBytes: bytes,
  remainingBytes: bytes,
  totalBytes: bytes,
  bytesPerSecond: bytes.describe('sent'),
  dirtyBytesPerSecond: bytes.describe('written by the guest meanwhile, to be sent again'),
  passes: z.int().min(0).describe('over the memory'),
}) satisfies z.ZodType<MigrationProgress>;

/** What one live migration may take; what is absent, the source's node decides. */
export const migrationLimits = z.strictObject({
  bandwidthMibPerSecond: z.int().min(1).max(65_536).optional().describe('at most; where the node allows less, that'),
  downtimeLimitMs: z.int().min(1).max(60_000).optional().describe('the guest is stopped once the rest takes no longer'),
  autoConverge: z.boolean().optional().describe('slows a guest down that writes faster than is sent'),
  convergeSeconds: z.int().min(1).max(540).optional().describe('how long its memory is sent while it runs; 60'),
  otherwise: z
    .enum(['postcopy', 'stop', 'stay'])
    .optional()
    .describe(
      'what then: the guest goes on at the target, and is lost with either end until the rest is there (the default ' +
        'where both nodes can); it stands still for the rest; or it stays where it is and the operation fails',
    ),
});
export type MigrationLimits = z.infer<typeof migrationLimits>;

export const exit = z.object({ reason: z.enum(exitReasons), detail: z.string().max(500) });
