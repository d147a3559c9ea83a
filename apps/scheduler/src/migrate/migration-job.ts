import { randomUUID } from 'node:crypto';
import type { ImageContent } from '@berth/contracts/http/image.js';
import { migrationAddress, migrationLimits } from '@berth/contracts/vmm.js';
import type { DueMigration, LooseEnd } from '@berth/database/migration.repository.js';
import type { DispatchedJob } from '@berth/queue/job-producer.js';
import { orderOf } from '../dispatch/job-of.js';

/** The job that carries a migration one step further. */
export function migrationJobOf(due: DueMigration<ImageContent>): DispatchedJob {
  const { operationId, attempt, step, instanceId, source, target } = due;
  const jobId = `${operationId}.${attempt}`;
  const { workerId, nodeId, leaseId, vmmId, generation } = step === 'send' || step === 'cancel' ? source : target;
  const payload = { operationId, nodeId, vmmId, instanceId, generation };
  switch (step) {
    case 'prepare':
      return {
        workerId,
        jobId,
        name: 'prepare-migration',
        payload: {
          operationId,
          nodeId,
          leaseId,
          vmm: orderOf({ ...due, vmmId, generation }),
          source: { vmmId: source.vmmId, certificate: source.certificate, agentUrl: source.agentUrl },
        },
      };
    case 'send': {
      const to = migrationAddress.parse(due.address);
      const limits = migrationLimits.parse(due.limits ?? {});
      const way = { targetVmmId: target.vmmId, agentUrl: target.agentUrl, to, limits };
      return { workerId, jobId, name: 'migrate-instance', payload: { ...payload, ...way } };
    }
    case 'cancel':
      return { workerId, jobId, name: 'cancel-migration', payload };
    case 'finish':
      return { workerId, jobId, name: 'finish-migration', payload };
  }
}

const looseJobs = { waiting: 'give-up-migration', left: 'settle-migration' } as const satisfies Record<
  LooseEnd['kind'],
  string
>;

/** Nobody's operation: asked again as long as the end is loose. */
export function looseEndJobOf({ kind, workerId, nodeId, vmmId, instanceId, generation }: LooseEnd): DispatchedJob {
  const operationId = randomUUID();
  const payload = { operationId, nodeId, vmmId, instanceId, generation };
  return { workerId, jobId: `${operationId}.1`, name: looseJobs[kind], payload };
}
