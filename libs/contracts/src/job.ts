import { z } from 'zod';
import { id } from './primitives.js';
import { migrationAddress, migrationLimits, nodeCertificate, vmmOrder } from './vmm.js';

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
  /** The target of a live migration: a vmm that waits for its guest. */
  'prepare-migration': z.object({
    operationId: id,
    nodeId: id,
    leaseId: z.string().max(64),
    vmm: vmmOrder,
    /** Nobody else is let in. */
    source: z.object({ vmmId: id, certificate: nodeCertificate.nullable(), agentUrl: z.url().nullish() }),
  }),
  /** The source of a live migration. `agentUrl` is of the target's worker, which is told when the guest may go on. */
  'migrate-instance': vmmTarget.extend({
    targetVmmId: id,
    agentUrl: z.url(),
    to: migrationAddress,
    limits: migrationLimits,
  }),
  /** The source keeps its guest, unless that is at switchover or has left. */
  'cancel-migration': vmmTarget,
  /** The source is gone: the guest goes on in the target if it is there. Otherwise the target ends. */
  'finish-migration': vmmTarget,
  /** Nobody wants the target any more: it ends, unless the guest runs in it. */
  'give-up-migration': vmmTarget,
  /** The target is gone and may have run: a source whose guest has left ends. */
  'settle-migration': vmmTarget,
  'snapshot-instance': vmmTarget.extend({ snapshotId: id, isDiskOnly: z.boolean().optional() }),
  /** No record wants it any more. */
  'remove-snapshot': z.object({ operationId: id, nodeId: id, snapshotId: id }),
  /** Its disk is to be that large, while its guest runs. */
  'grow-disk': vmmTarget.extend({ diskGib: z.int().positive() }),
  'reboot-instance': vmmTarget.extend({ graceMs: z.int().min(0) }),
  'pause-instance': vmmTarget,
  'suspend-instance': vmmTarget,
  'resume-instance': vmmTarget,
} as const;
export type JobName = keyof typeof jobs;
export type JobPayload<N extends JobName> = z.infer<(typeof jobs)[N]>;
export const jobNames = Object.keys(jobs) as JobName[];
