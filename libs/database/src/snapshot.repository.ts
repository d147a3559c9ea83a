import { randomUUID } from 'node:crypto';
import type { InstanceState } from '@berth/domain/instance-state.js';
import { copyDeadlineMs, snapshotsPerInstanceMax } from '@berth/domain/limits.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { ProblemError, type Problem } from '@berth/domain/problem.js';
import type { SnapshotState } from '@berth/domain/snapshot-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { rescueProblem } from './instance-rescue.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, tellEnded, type EndedOperation } from './operation-end.js';
import type { Session } from './session.js';
import { iso, type Reference } from './text.js';

export interface SnapshotRecord {
  readonly id: string;
  readonly name: string;
  readonly instance: string;
  readonly state: SnapshotState;
  readonly reason: string | null;
  readonly node: string;
  readonly driver: EngineDriverName;
  readonly sizeBytes: number | null;
  readonly pausedMs: number | null;
  readonly createdAt: string;
  readonly readyAt: string | null;
}

export interface TakenSnapshot {
  readonly snapshotId: string;
  readonly sizeBytes: number;
  readonly pausedMs: number;
}

interface Standing {
  readonly name: string;
  readonly state: InstanceState;
  readonly openId: string | null;
  readonly openKind: OperationKind | null;
  readonly vmmId: string | null;
  readonly driver: EngineDriverName | null;
  readonly isRescued: boolean;
  readonly count: number;
}

const standing = `
SELECT i.name, i.state, o.id AS "openId", o.kind AS "openKind", v.id AS "vmmId", v.driver,
       i.rescue_image_id IS NOT NULL AS "isRescued",
       (SELECT count(*) FROM snapshot s WHERE s.instance_id = i.id AND s.state IN ('creating', 'ready'))::int AS count
FROM instance i
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
WHERE i.id = $1 AND i.state <> 'deleted'`;

const open = `
WITH live AS (
  SELECT i.project_id, i.vcpus, i.memory_mib, i.image_id, v.* FROM instance i
  JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating WHERE i.id = $1
), opened AS (
  INSERT INTO operation (id, project_id, kind, state, initiator, instance_id, node_id, vmm_id, generation, stage,
                         deadline_at)
  SELECT $2, project_id, 'snapshot-instance', 'pending', $7, instance_id, node_id, id, generation, 'dispatch',
         now() + make_interval(secs => $5) FROM live
)
INSERT INTO snapshot (id, instance_id, name, state, operation_id, node_id, driver, vcpus, memory_mib, image_id,
                      for_clones, has_memory)
SELECT $3, instance_id, $4, 'creating', $2, node_id, driver, vcpus, memory_mib, image_id, $6,
       NOT $6 OR m.format = 'kernel-initrd' AND m.ready IS NULL
FROM live JOIN image m ON m.id = live.image_id`;

const select = `
SELECT s.id, s.name, s.instance_id AS instance, s.state, s.reason, n.name AS node, s.driver,
       s.size_bytes AS "sizeBytes", s.paused_ms AS "pausedMs", ${iso('s.created_at')} AS "createdAt",
       ${iso('s.ready_at')} AS "readyAt"
FROM snapshot s JOIN node n ON n.id = s.node_id`;
const list = `${select} WHERE s.instance_id = $1 AND s.state <> 'deleted' ORDER BY s.created_at DESC`;
const find = `${select} WHERE s.instance_id = $1 AND s.state <> 'deleted' AND (s.id = $2::uuid OR s.name = $3)
ORDER BY s.state IN ('creating', 'ready') DESC, s.created_at DESC LIMIT 1`;
const get = `${select} WHERE s.id = $1`;

const isUsed = `SELECT kind FROM operation WHERE ended_at IS NULL
  AND (snapshot_id = $1 OR id = (SELECT operation_id FROM snapshot WHERE id = $1)) LIMIT 1`;
const remove = `UPDATE snapshot SET state = 'deleted' WHERE id = $1 AND state <> 'deleted'`;

const taken = `
UPDATE snapshot s SET state = 'ready', ready_at = now(), size_bytes = r."sizeBytes", paused_ms = r."pausedMs"
FROM jsonb_to_recordset($1::jsonb) AS r ("snapshotId" uuid, "sizeBytes" bigint, "pausedMs" int)
WHERE s.id = r."snapshotId" AND s.state = 'creating'
RETURNING s.operation_id AS "operationId", s.instance_id AS "instanceId", s.name`;

/** Those that no record wants: deleted or failed ones, and of an instance that is deleted what no clone waits for. */
const unwanted = `
SELECT asked.id FROM unnest($1::uuid[]) AS asked (id)
WHERE NOT EXISTS (SELECT FROM snapshot s JOIN instance i ON i.id = s.instance_id
                  WHERE s.id = asked.id AND s.state IN ('creating', 'ready') AND (i.state <> 'deleted'
                    OR EXISTS (SELECT FROM operation o WHERE o.ended_at IS NULL AND o.snapshot_id = s.id)))`;

export interface AskedSnapshot {
  readonly instanceId: string;
  readonly operationId: string;
  readonly id: string;
  readonly name: string;
}

/** In the caller's transaction, which has locked the instance and seen that it runs. */
export async function openSnapshot(on: Session, asked: AskedSnapshot, forClones = false): Promise<void> {
  const { instanceId, operationId, id, name } = asked;
  const initiator = forClones ? 'clone' : 'user';
  await on.query(open, [instanceId, operationId, id, name, copyDeadlineMs / 1000, forClones, initiator]);
}

/** Snapshots of instances, from asked for to removed. Their files are their nodes'. */
export class SnapshotRepository {
  constructor(private readonly database: Database) {}

  /** @throws ProblemError `not-found`, `state-conflict`, `name-taken` */
  async accept(instanceId: string, name: string, tokenId: string): Promise<{ operationId: string; id: string }> {
    const [operationId, id] = [randomUUID(), randomUUID()];
    const accepted = await this.database.transaction(async (on) => {
      await lockInstances(on, [instanceId]);
      const [before] = await on.query<Standing>(standing, [instanceId]);
      const [same] = await on.query<SnapshotRecord>(find, [instanceId, null, name]);
      if (same?.state === 'creating' && before?.openKind === 'snapshot-instance') {
        return { operationId: before.openId!, id: same.id };
      }
      const problem = problemOf(before, name, same);
      if (problem) throw new ProblemError(problem);
      await openSnapshot(on, { instanceId, operationId, id, name });
      const message = `snapshot ${name} of instance ${before!.name} accepted`;
      await recordEvents(on, [
        { kind: 'SnapshotAccepted', instanceId, operationId, message, detail: { token: tokenId, snapshot: id } },
      ]);
      return { operationId, id };
    });
    this.database.notify('dispatch');
    this.database.notify('event');
    return accepted;
  }

  list(instanceId: string): Promise<SnapshotRecord[]> {
    return this.database.query(list, [instanceId]);
  }

  async find(instanceId: string, { id, name }: Reference): Promise<SnapshotRecord | undefined> {
    return (await this.database.query<SnapshotRecord>(find, [instanceId, id, name]))[0];
  }

  /** @throws ProblemError `state-conflict` while an operation makes or uses it */
  async remove({ id, name, instance }: SnapshotRecord, tokenId: string): Promise<SnapshotRecord> {
    const after = await this.database.transaction(async (on) => {
      await lockInstances(on, [instance]);
      const [user] = await on.query<{ kind: string }>(isUsed, [id]);
      if (user) {
        const detail = `snapshot ${name} is in use by ${user.kind}`;
        throw new ProblemError({ code: 'state-conflict', detail, next: 'wait for the end of that operation' });
      }
      await on.query(remove, [id]);
      const [event, detail] = ['SnapshotDeleted', { token: tokenId, snapshot: id }];
      await recordEvents(on, [{ kind: event, instanceId: instance, message: `snapshot ${name} deleted`, detail }]);
      return on.query<SnapshotRecord>(get, [id]);
    });
    this.database.notify('event');
    return after[0]!;
  }

  /** What nodes report. A report of a snapshot that nobody waits for changes nothing. */
  async report(
    done: readonly TakenSnapshot[],
    failed: readonly { readonly operationId: string; readonly problem: Problem }[],
  ): Promise<readonly EndedOperation[]> {
    if (done.length + failed.length === 0) return [];
    const ended = await this.database.transaction(async (on) => {
      const ready = await on.query<ReadySnapshot>(taken, [JSON.stringify(done)]);
      await tellReady(on, ready);
      return endOperations(on, [
        ...ready.map(({ operationId }) => ({ operationId, state: 'succeeded' as const })),
        ...failed.map(({ operationId, problem }) => ({ operationId, state: 'failed' as const, problem })),
      ]);
    });
    this.database.notify('event');
    this.database.notify('place'); // clones may have waited for them
    return tellEnded(this.database, ended);
  }

  async unwanted(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    return (await this.database.query<{ id: string }>(unwanted, [ids])).map(({ id }) => id);
  }
}

interface ReadySnapshot {
  readonly operationId: string;
  readonly instanceId: string;
  readonly name: string;
}

async function tellReady(on: Session, ready: readonly ReadySnapshot[]): Promise<void> {
  await recordEvents(
    on,
    ready.map(({ name, ...of }) => ({ kind: 'SnapshotReady', message: `snapshot ${name} is ready`, ...of })),
  );
}

function problemOf(before: Standing | undefined, name: string, same: SnapshotRecord | undefined): Problem | undefined {
  if (!before) return { code: 'not-found', detail: 'there is no such instance' };
  const { name: instance, state, openId, openKind, driver, isRescued, count } = before;
  if (isRescued) return rescueProblem('snapshot', instance);
  const conflict = (detail: string, next: string): Problem => {
    return { code: 'state-conflict', detail, next, context: { state } };
  };
  if (openId !== null) {
    return conflict(`instance ${instance} has an open operation, ${openKind}`, `wait for operation ${openId}`);
  }
  if (state !== 'running' || driver === null) {
    return conflict(`instance ${instance} is ${state}; a snapshot needs a running guest`, 'start it');
  }
  if (driver !== 'tcg' && driver !== 'kvm') {
    return conflict(`engine ${driver} cannot keep the memory of a guest`, 'create the instance with --driver tcg');
  }
  if (same && same.state !== 'failed') {
    return { code: 'name-taken', detail: `instance ${instance} has a snapshot ${name} already`, next: 'delete it' };
  }
  if (count < snapshotsPerInstanceMax) return undefined;
  return conflict(`instance ${instance} has ${count} snapshots; that is the limit`, 'delete one');
}
