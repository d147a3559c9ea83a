import { randomUUID } from 'node:crypto';
import type { InstanceRecord, InstanceSpec } from './instance-record.js';
import type { InstanceSeed } from './instance-seed.repository.js';
import type { OperationRecord } from './operation-record.js';

export interface GuestAccess extends InstanceSeed {
  /** Of the guest. */
  readonly ports: readonly number[];
}

export interface IdempotentRequest {
  readonly key: string;
  readonly requestHash: Buffer;
}

export interface CloneSource {
  readonly instanceId: string;
  readonly name: string;
  /** memory: they go on from where it is, as themselves. disk: they boot from a copy of its disk. */
  readonly from: 'memory' | 'disk';
}

export interface CreateRequest<P extends object> {
  readonly projectId: string;
  readonly project: string;
  readonly tokenId: string;
  /** One instance each, all of the same make. */
  readonly names: readonly string[];
  readonly spec: InstanceSpec<P>;
  readonly groupName: string | null;
  /** Absent: nothing but its name is told to a guest, and nothing reaches it. */
  readonly access?: GuestAccess;
  /** What they are to be copies of; absent: they begin from their image. */
  readonly source?: CloneSource;
  readonly idempotency: IdempotentRequest | null;
}

/** The answer of an accepted create; kept with its idempotency key. */
export interface AcceptedCreate<P extends object> {
  readonly instances: InstanceRecord<P>[];
  readonly operations: OperationRecord[];
}

export const noAccess: GuestAccess = { sshKeys: [], userData: null, ports: [] };

/** Before anything is written: instances and operations with their ids, as they will stand in the record. */
export function answerOf<P extends object>(request: CreateRequest<P>, at: string): AcceptedCreate<P> {
  const instances = request.names.map((name) => pendingInstance(name, request, at));
  return { instances, operations: instances.map((instance) => pendingOperation(instance, request, at)) };
}

function pendingInstance<P extends object>(
  name: string,
  { project, spec, access = noAccess, source }: CreateRequest<P>,
  at: string,
): InstanceRecord<P> {
  return {
    id: randomUUID(),
    name,
    project,
    ...spec,
    rescueImage: null,
    ports: access.ports.map((guestPort) => ({ guestPort, host: null, hostPort: null })),
    desiredState: 'running',
    state: 'pending',
    reason: source ? `waits for a copy of ${source.name}` : 'waits for a node',
    generation: 0,
    restartCount: 0,
    node: null,
    driver: null,
    pid: null,
    usedCpuMillis: null,
    usedMemoryMib: null,
    powerWatts: null,
    timeToReadyMs: null,
    observedAgeMs: null,
    createdAt: at,
    updatedAt: at,
    readyAt: null,
  };
}

function pendingOperation(
  instance: { id: string; name: string },
  { source }: Pick<CreateRequest<object>, 'source'>,
  at: string,
): OperationRecord {
  return {
    id: randomUUID(),
    kind: source ? 'clone-instance' : 'create-instance',
    state: 'pending',
    initiator: 'user',
    instance: instance.id,
    instanceName: instance.name,
    node: null,
    progressPercent: 0,
    progress: null,
    timeline: [],
    problem: null,
    result: source ? { clonedFrom: source.instanceId, from: source.from } : null,
    attempts: 0,
    createdAt: at,
    updatedAt: at,
    endedAt: null,
  };
}
