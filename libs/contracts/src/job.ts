import { z } from 'zod';
import { id } from './primitives.js';
import { vmmOrder } from './vmm.js';

const vmmTarget = z.object({ operationId: id, nodeId: id, vmmId: id, instanceId: id, generation: z.int().positive() });

/**
 * Jobs are at-least-once wake-ups for one worker's queue (`queueOf(workerId)`). Each names its node, vmm and
 * generation, so that a late, doubled or reordered one is recognised and leaves. A worker refuses to start with a
 * handler missing or double.
 */
export const jobs = {
  /**
   * `leaseId`: as the record knew it. The node leaves the job when its lease ran out since: the vmm may be given up.
   */
  'start-instance': z.object({ operationId: id, nodeId: id, leaseId: z.string().max(64), vmm: vmmOrder }),
  'stop-instance': vmmTarget.extend({ graceMs: z.int().min(0), delete: z.boolean() }),
  'reboot-instance': vmmTarget.extend({ graceMs: z.int().min(0) }),
} as const;
export type JobName = keyof typeof jobs;
export type JobPayload<N extends JobName> = z.infer<(typeof jobs)[N]>;
export const jobNames = Object.keys(jobs) as JobName[];
