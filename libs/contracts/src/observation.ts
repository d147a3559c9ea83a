import { engineDrivers } from '@berth/domain/node-state.js';
import { problemCodes } from '@berth/domain/problem.js';
import { z } from 'zod';
import { engineProbe } from './engine.js';
import { portForward } from './http/guest-access.js';
import { id, labels, name, timestamp } from './primitives.js';
import { exit, migrationAddress, migrationProgress, nodeCertificate, startTimings } from './vmm.js';

const vmmRef = { nodeId: id, vmmId: id, instanceId: id, generation: z.int().positive() };

export const nodeRegistration = z.object({
  nodeId: id,
  name,
  bootId: z.string().max(64).describe('of the operating system: another one means every process is gone'),
  driver: z.enum(engineDrivers).describe('the best of them'),
  drivers: z.array(z.enum(engineDrivers)).min(1).describe('for new guests, best first'),
  engine: engineProbe.nullable().describe('null: nothing to try'),
  zone: z.string().max(63),
  rack: z.string().max(63),
  labels,
  powerModel: z.string().max(63),
  agentUrl: z.string().max(255).nullable(),
  /** Null: its guests move as they are. */
  certificate: z.object({ pem: nodeCertificate, expiresAt: timestamp }).nullable(),
  capacity: z.object({ cpuMillis: z.int().positive(), memoryMib: z.int().positive(), diskGib: z.int().min(0) }),
  allocatable: z.object({ cpuMillis: z.int().min(0), memoryMib: z.int().min(0), diskGib: z.int().min(0) }),
});
export type NodeRegistration = z.infer<typeof nodeRegistration>;

const problem = z.object({
  code: z.enum(problemCodes),
  detail: z.string().max(2000),
  next: z.string().max(500).optional(),
});

/** Of the worker: another one whenever its lease may have run out, so that it knows what was handed out before. */
const leaseId = z.string().max(64);

const vmmUsage = z.object({
  vmmId: id,
  generation: z.int().positive(),
  state: z.enum(['starting', 'running', 'paused', 'stopping']),
  pid: z.int().nullable(),
  cpuMillis: z.int().min(0).describe('CPU used since the last report, as millicores'),
  memoryMib: z.int().min(0),
  cpuSeconds: z.number().min(0),
});

export const nodeHeartbeat = z.object({
  nodeId: id,
  usedCpuMillis: z.int().min(0),
  usedMemoryMib: z.int().min(0),
  /** Everything that lives on the node; null in the beats between two inventories. */
  vmms: z.array(vmmUsage).nullable(),
  /** With an inventory: vmms that ended and whose console is kept, to be let go when their instance is deleted. */
  keptVmmIds: z.array(id).optional(),
  /** With an inventory: those of which anything is on the node. */
  snapshotIds: z.array(id).optional(),
});
export type NodeHeartbeat = z.infer<typeof nodeHeartbeat>;

/**
 * What workers report, one stream entry each. Applied by compare-and-set on (vmmId, generation); order and doubles do
 * not matter.
 */
export const observation = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('nodes-registered'),
    workerId: z.string().max(63),
    leaseId,
    nodes: z.array(nodeRegistration),
  }),
  z.object({ kind: z.literal('nodes-beat'), workerId: z.string().max(63), leaseId, nodes: z.array(nodeHeartbeat) }),
  z.object({ kind: z.literal('nodes-left'), workerId: z.string().max(63), nodeIds: z.array(id) }),
  z.object({ kind: z.literal('vmm-starting'), operationId: id, ...vmmRef, pid: z.int().nullable() }),
  z.object({
    kind: z.literal('vmm-ready'),
    operationId: id.nullable(),
    ...vmmRef,
    pid: z.int().nullable(),
    timings: startTimings,
    forwards: z.array(portForward).optional().describe('the ways to its ports'),
  }),
  /** The bytes of its image come to the node; told again as they do. */
  z.object({
    kind: z.literal('image-fetching'),
    operationId: id,
    ...vmmRef,
    receivedBytes: z.int().min(0),
    totalBytes: z.int().positive(),
  }),
  /** Of the operation that asked for it: once that has ended, they say nothing any more. */
  z.object({ kind: z.literal('vmm-paused'), operationId: id, ...vmmRef }),
  z.object({ kind: z.literal('vmm-resumed'), operationId: id, ...vmmRef }),
  /** The guest goes on. */
  z.object({ kind: z.literal('suspend-failed'), operationId: id, ...vmmRef, detail: z.string().max(500) }),
  z.object({ kind: z.literal('vmm-stopping'), operationId: id.nullable(), ...vmmRef }),
  z.object({ kind: z.literal('vmm-gone'), operationId: id.nullable(), ...vmmRef, exit }),
  /** Of the target: it waits for the guest. */
  z.object({ kind: z.literal('migration-prepared'), operationId: id, ...vmmRef, address: migrationAddress }),
  /** Of the source, as all below. */
  z.object({ kind: z.literal('migration-progress'), ...vmmRef, progress: migrationProgress }),
  /** Its last bytes go: nobody can call it off any more. */
  z.object({ kind: z.literal('migration-switchover'), ...vmmRef }),
  z.object({
    kind: z.literal('migration-measured'),
    ...vmmRef,
    method: z.string().max(32),
    downtimeMs: z.number().min(0),
    durationMs: z.number().min(0),
    sentBytes: z.number().min(0),
    encrypted: z.boolean(),
  }),
  /** It goes on here. */
  z.object({ kind: z.literal('migration-stayed'), operationId: id, ...vmmRef, detail: z.string().max(500) }),
  z.object({ kind: z.literal('migration-settled'), ...vmmRef }),
  z.object({
    kind: z.literal('snapshot-taken'),
    operationId: id,
    snapshotId: id,
    ...vmmRef,
    sizeBytes: z.int().min(0),
    pausedMs: z.int().min(0),
  }),
  /** The guest goes on. */
  z.object({ kind: z.literal('snapshot-failed'), operationId: id, snapshotId: id, ...vmmRef, problem }),
  z.object({ kind: z.literal('disk-grown'), operationId: id, ...vmmRef }),
  /** It grows when the guest starts the next time. */
  z.object({ kind: z.literal('disk-not-grown'), operationId: id, ...vmmRef, detail: z.string().max(500) }),
  z.object({ kind: z.literal('vmm-adopted'), ...vmmRef, pid: z.int().nullable() }),
  z.object({ kind: z.literal('orphan-killed'), nodeId: id, pid: z.int(), detail: z.string().max(500) }),
  z.object({
    kind: z.literal('job-refused'),
    operationId: id,
    ...vmmRef,
    problem,
  }),
]);
export type Observation = z.infer<typeof observation>;
