import type { ImageContent } from '@berth/contracts/http/image.js';
import type { DueDispatch } from '@berth/database/dispatch.repository.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { DispatchedJob } from '@berth/queue/job-producer.js';

/** A guest gets this long to shut itself down before it is cut off. */
export const stopGraceMs = 5_000;

/**
 * The job that carries an operation one step further. A new attempt is a new job: the queue forgets an id with its job.
 */
export function jobOf(due: DueDispatch<ImageContent>): DispatchedJob {
  const { operationId, attempt, workerId, nodeId, leaseId, vmmId, instanceId, generation } = due;
  const address = { workerId, jobId: `${operationId}.${attempt}` };
  const { snapshotId, isDiskOnly } = due;
  if (due.starts) {
    const vmm = { ...orderOf(due), ...(snapshotId !== null && { snapshotId, bootsSnapshot: isDiskOnly }) };
    return { ...address, name: 'start-instance', payload: { operationId, nodeId, leaseId, vmm } };
  }
  const target = { operationId, nodeId, vmmId, instanceId, generation };
  if (due.kind === 'reboot-instance') {
    return { ...address, name: 'reboot-instance', payload: { ...target, graceMs: stopGraceMs } };
  }
  if (due.kind === 'pause-instance' || due.kind === 'suspend-instance' || due.kind === 'resume-instance') {
    return { ...address, name: due.kind, payload: target };
  }
  if (due.kind === 'resize-instance' && due.grows) {
    return { ...address, name: 'grow-disk', payload: { ...target, diskGib: due.diskGib } };
  }
  if (due.kind === 'snapshot-instance' && snapshotId !== null) {
    return { ...address, name: 'snapshot-instance', payload: { ...target, snapshotId, isDiskOnly } };
  }
  const isDelete = due.kind === 'delete-instance';
  // of what is given up there is nothing left to save
  const isGivenUp = isDelete || due.kind === 'rebuild-instance';
  const payload = { ...target, graceMs: isGivenUp ? 0 : stopGraceMs, delete: isDelete };
  return { ...address, name: 'stop-instance', payload };
}

interface OrderRow extends Omit<VmmOrder, 'snapshotId' | 'bootsSnapshot' | 'rescueImage'> {
  readonly rescueImage: ImageContent | null;
}

/** What a vmm is to be, from the row of its instance. */
export function orderOf(due: OrderRow): VmmOrder {
  const {
    vmmId,
    instanceId,
    instanceName,
    project,
    generation,
    driver,
    vcpus,
    memoryMib,
    diskGib,
    onIsolation,
    image,
    rescueImage,
    ports,
    hasSeed,
    rebuildCount,
    resumes,
  } = due;
  return {
    vmmId,
    instanceId,
    instanceName,
    project,
    generation,
    driver,
    vcpus,
    memoryMib,
    diskGib,
    onIsolation,
    image,
    ports,
    hasSeed,
    rebuildCount,
    resumes,
    ...(rescueImage && { rescueImage }),
  };
}
