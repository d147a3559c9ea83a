import { randomUUID } from 'node:crypto';
import type { InstanceState } from '@berth/domain/instance-state.js';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { nextSteps } from './instance-action.js';
import { lockInstances } from './instance-lock.js';
import type { InstanceTypeRecord } from './instance-type.repository.js';
import { endOperations } from './operation-end.js';
import type { Session } from './session.js';

export interface ResizeRequest {
  readonly instanceId: string;
  readonly type: Pick<InstanceTypeRecord, 'name' | 'vcpus' | 'memoryMib'>;
  readonly tokenId: string;
}

interface Standing {
  readonly name: string;
  readonly projectId: string;
  readonly state: InstanceState;
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly image: string;
  readonly minMemoryMib: number;
  /** Something is under way, or its last vmm is not gone yet. */
  readonly isBusy: boolean;
}

const standing = `
SELECT i.name, i.project_id AS "projectId", i.state, i.instance_type AS "instanceType", i.vcpus,
       i.memory_mib AS "memoryMib", m.name AS image, m.min_memory_mib AS "minMemoryMib",
       EXISTS (SELECT FROM operation o WHERE o.instance_id = i.id AND o.ended_at IS NULL)
         OR EXISTS (SELECT FROM vmm v WHERE v.instance_id = i.id AND v.state <> 'gone') AS "isBusy"
FROM instance i JOIN image m ON m.id = i.image_id WHERE i.id = $1 AND i.state <> 'deleted'`;

/** What grows must fit; what shrinks is given back. */
const charge = `
UPDATE quota SET used_vcpus = used_vcpus + $2, used_memory_mib = used_memory_mib + $3
WHERE project_id = $1 AND ($2 <= 0 OR used_vcpus + $2 <= max_vcpus)
  AND ($3 <= 0 OR used_memory_mib + $3 <= max_memory_mib)
RETURNING 1 AS charged`;

const left = `
SELECT max_vcpus - used_vcpus AS vcpus, max_memory_mib - used_memory_mib AS "memoryMib"
FROM quota WHERE project_id = $1`;

const change = `
UPDATE instance SET instance_type = $2, vcpus = $3, memory_mib = $4, updated_at = now() WHERE id = $1`;

const open = `
INSERT INTO operation (id, project_id, kind, state, instance_id, stage, deadline_at)
VALUES ($1, $2, 'resize-instance', 'pending', $3, 'dispatch', now() + make_interval(secs => $4))`;

const resizable: readonly InstanceState[] = ['stopped', 'failed'];

/** Instances become of another type while they have no vmm: their next start is placed by the new size. */
export class ResizeRepository {
  constructor(private readonly database: Database) {}

  /**
   * Quota, size and a finished operation in one transaction. Resolves to the id of the operation.
   * @throws ProblemError `not-found`, `state-conflict`, `invalid-request`, `quota-exceeded`
   */
  async accept(request: ResizeRequest): Promise<string> {
    const operationId = await this.database.transaction((on) => resize(on, request));
    this.database.notify('event');
    return operationId;
  }
}

async function resize(on: Session, { instanceId, type, tokenId }: ResizeRequest): Promise<string> {
  await lockInstances(on, [instanceId]);
  const [before] = await on.query<Standing>(standing, [instanceId]);
  if (!before) throw new ProblemError({ code: 'not-found', detail: `there is no instance ${instanceId}` });
  refuseUnfit(before, type);
  await chargeFor(on, before, type);
  await on.query(change, [instanceId, type.name, type.vcpus, type.memoryMib]);
  const operationId = randomUUID();
  await on.query(open, [operationId, before.projectId, instanceId, operationDeadlineMs / 1000]);
  const message = `instance ${before.name}: ${before.instanceType} becomes ${type.name}`;
  const detail = { token: tokenId, from: before.instanceType, to: type.name };
  await recordEvents(on, [{ kind: 'InstanceResized', message, instanceId, operationId, detail }]);
  await endOperations(on, [{ operationId, state: 'succeeded', result: { from: before.instanceType, to: type.name } }]);
  return operationId;
}

function refuseUnfit({ name, state, isBusy, image, minMemoryMib }: Standing, type: ResizeRequest['type']): void {
  if (!resizable.includes(state)) {
    const detail = `instance ${name} is ${state}; resize needs ${resizable.join(' or ')}`;
    const next = state === 'running' ? 'stop it, resize it, and start it again' : nextSteps[state];
    throw new ProblemError({ code: 'state-conflict', detail, next, context: { state } });
  }
  if (isBusy) {
    const detail = `instance ${name} is ${state}, and something is still under way`;
    throw new ProblemError({ code: 'state-conflict', detail, next: 'ask again in a moment', context: { state } });
  }
  if (type.memoryMib >= minMemoryMib) return;
  const message = `has ${type.memoryMib} MiB of memory; image ${image} needs ${minMemoryMib}`;
  const errors = [{ field: 'instanceType', message }];
  throw new ProblemError({ code: 'invalid-request', detail: `instanceType: ${message}`, errors });
}

async function chargeFor(on: Session, before: Standing, type: ResizeRequest['type']): Promise<void> {
  const asked = { vcpus: type.vcpus - before.vcpus, memoryMib: type.memoryMib - before.memoryMib };
  const charged = await on.query(charge, [before.projectId, asked.vcpus, asked.memoryMib]);
  if (charged.length > 0) return;
  const [quota] = await on.query<{ vcpus: number; memoryMib: number }>(left, [before.projectId]);
  const short = (['vcpus', 'memoryMib'] as const)
    .filter((kind) => asked[kind] > (quota?.[kind] ?? 0))
    .map((kind) => `${kind}: asked ${asked[kind]} more, left ${quota?.[kind] ?? 0}`);
  throw new ProblemError({
    code: 'quota-exceeded',
    detail: short.join('; '),
    next: 'delete instances, choose a smaller type, or ask an admin for more',
    context: { asked, left: quota },
  });
}
