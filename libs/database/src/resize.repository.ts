import { randomUUID } from 'node:crypto';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations } from './operation-end.js';
import { decideResize, type Resizable, type ResizeWay, type ResizeWish, type Size } from './resize-rule.js';
import type { Session } from './session.js';

export interface ResizeRequest extends ResizeWish {
  readonly instanceId: string;
  readonly tokenId: string;
}

interface Standing extends Resizable {
  readonly projectId: string;
  readonly vmmId: string | null;
  readonly nodeId: string | null;
  readonly generation: number | null;
  readonly openId: string | null;
  /** Of an open resize. */
  readonly becomes: Size | null;
}

const standing = `
SELECT i.name, i.project_id AS "projectId", i.state, i.instance_type AS "instanceType", i.vcpus,
       i.memory_mib AS "memoryMib", i.disk_gib AS "diskGib", m.name AS image, m.min_memory_mib AS "minMemoryMib",
       m.format, m.profile, m.virtual_size_bytes AS "virtualSizeBytes", v.id AS "vmmId", v.node_id AS "nodeId",
       v.generation, v.driver, o.id AS "openId", o.kind AS "openKind",
       i.rescue_image_id IS NOT NULL AS "isRescued",
       CASE WHEN z.operation_id IS NULL THEN NULL ELSE jsonb_build_object('instanceType', z.instance_type, 'vcpus',
         z.vcpus, 'memoryMib', z.memory_mib, 'diskGib', z.disk_gib) END AS becomes
FROM instance i JOIN image m ON m.id = i.image_id
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
LEFT JOIN resize z ON z.operation_id = o.id
WHERE i.id = $1 AND i.state <> 'deleted'`;

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
UPDATE instance SET instance_type = $2, vcpus = $3, memory_mib = $4, disk_gib = $5, updated_at = now() WHERE id = $1`;

const open = `
INSERT INTO operation (id, project_id, kind, state, instance_id, node_id, vmm_id, generation, stage, deadline_at)
VALUES ($1, $2, 'resize-instance', 'pending', $3, $4, $5, $6, $7, now() + make_interval(secs => $8))`;

const note = `
INSERT INTO resize (operation_id, instance_type, vcpus, memory_mib, disk_gib, restarts, applied_at, result)
VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END, $8)`;

/** Instances become of another size: those without a vmm at once, running ones when a place is held for them. */
export class ResizeRepository {
  constructor(private readonly database: Database) {}

  /**
   * Quota and operation in one transaction, and of what has no vmm the size too. Resolves to the id of the operation;
   * asking again for the same while it is open gets the same one.
   * @throws ProblemError `not-found`, `state-conflict`, `invalid-request`, `quota-exceeded`
   */
  async accept(request: ResizeRequest): Promise<string> {
    const { operationId, way } = await this.database.transaction((on) => resize(on, request));
    if (way !== 'recorded') this.database.notify('resize');
    this.database.notify('event');
    return operationId;
  }
}

async function resize(on: Session, request: ResizeRequest): Promise<{ operationId: string; way?: ResizeWay }> {
  const { instanceId, tokenId } = request;
  await lockInstances(on, [instanceId]);
  const [before] = await on.query<Standing>(standing, [instanceId]);
  if (!before) throw new ProblemError({ code: 'not-found', detail: `there is no instance ${instanceId}` });
  if (before.openId !== null && isSameWish(before, request)) return { operationId: before.openId };
  const { size, way } = decideResize(before, request);
  await chargeFor(on, before, size, way);
  const [from, to] = [textOf(before), textOf(size)];
  const result = { way, from, to };
  const operationId = await openFor(on, instanceId, before, size, result);
  const detail = { token: tokenId, ...result };
  if (way !== 'recorded') {
    const message = `instance ${before.name}: ${from} is to become ${to}`;
    await recordEvents(on, [{ kind: 'InstanceResizing', message, instanceId, operationId, detail }]);
    return { operationId, way };
  }
  const { instanceType, vcpus, memoryMib, diskGib } = size;
  await on.query(change, [instanceId, instanceType, vcpus, memoryMib, diskGib]);
  const message = `instance ${before.name}: ${from} becomes ${to}`;
  await recordEvents(on, [{ kind: 'InstanceResized', message, instanceId, operationId, detail }]);
  await endOperations(on, [{ operationId, state: 'succeeded', result }]);
  return { operationId, way };
}

/** As events name a size. */
function textOf({ instanceType, diskGib }: Size): string {
  return diskGib === 0 ? instanceType : `${instanceType} with ${diskGib} GiB of disk`;
}

function isSameWish({ becomes, ...before }: Standing, { type, diskGib }: ResizeWish): boolean {
  if (becomes === null) return false;
  const isSameType = becomes.instanceType === (type?.name ?? before.instanceType);
  return isSameType && becomes.diskGib === (diskGib ?? before.diskGib);
}

async function openFor(
  on: Session,
  instanceId: string,
  before: Standing,
  size: Size,
  result: { readonly way: ResizeWay },
): Promise<string> {
  const { projectId, nodeId, vmmId, generation } = before;
  const operationId = randomUUID();
  const { way } = result;
  const stage = way === 'recorded' ? 'dispatch' : 'place';
  const about = [nodeId, vmmId, generation, stage, operationDeadlineMs / 1000];
  await on.query(open, [operationId, projectId, instanceId, ...about]);
  const { instanceType, vcpus, memoryMib, diskGib } = size;
  const becomes = [instanceType, vcpus, memoryMib, diskGib, way === 'restart', way === 'recorded'];
  await on.query(note, [operationId, ...becomes, JSON.stringify(result)]);
  return operationId;
}

/** Of what runs, the larger of both sizes is charged until it is of the new one. */
async function chargeFor(on: Session, before: Standing, size: Size, way: ResizeWay): Promise<void> {
  const least = way === 'recorded' ? -Infinity : 0;
  const asked = {
    vcpus: Math.max(least, size.vcpus - before.vcpus),
    memoryMib: Math.max(least, size.memoryMib - before.memoryMib),
  };
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
