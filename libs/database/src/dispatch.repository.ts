import type { IsolationPolicy } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import { bootDeadlineMs } from '@berth/domain/limits.js';
import { startKinds, type OperationKind } from '@berth/domain/operation-state.js';
import type { Database } from './database.js';
import { imageContents } from './image-record.js';
import { guestAccess } from './instance-seed.repository.js';

/** Everything a job may need; workers have no database to ask. `S` is the contract of an image's content. */
export interface DueDispatch<S extends object> {
  readonly operationId: string;
  readonly kind: OperationKind;
  /** How often it was handed out, this time included. */
  readonly attempt: number;
  /**
   * Its vmm was placed by this very operation: it is to be started. Otherwise the operation acts on a vmm that is
   * there.
   */
  readonly starts: boolean;
  readonly workerId: string;
  readonly nodeId: string;
  /** Of the node, as the record knows it now. */
  readonly leaseId: string;
  readonly vmmId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly project: string;
  readonly generation: number;
  readonly driver: EngineDriverName;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly onIsolation: IsolationPolicy;
  readonly image: S;
  readonly rescueImage: S | null;
  /** From its memory that was kept. */
  readonly resumes: boolean;
  /** Of the guest. */
  readonly ports: number[];
  readonly hasSeed: boolean;
  readonly rebuildCount: number;
  /** What the operation is about: to be made, or to be started from. */
  readonly snapshotId: string | null;
  /** That snapshot holds no memory. */
  readonly isDiskOnly: boolean;
  /** The disk alone, under the guest. */
  readonly grows: boolean;
  /** Since it was ready for dispatch, on the first attempt. */
  readonly waitedMs: number;
}

/**
 * A guest that says itself when it is ready is waited for as long as it may boot. The newest live vmm is the one an
 * operation is about: with the operation's own placement it is the one just placed.
 */
const claim = `
WITH due AS (
  SELECT o.id, o.next_attempt_at, (o.kind = ANY($3) OR o.kind = 'resize-instance' AND o.placed_at IS NOT NULL)
           AND m.ready NOT IN ('"beat"', '"firmware"') AS "bootsSlowly"
  FROM operation o LEFT JOIN instance i ON i.id = o.instance_id
  LEFT JOIN image m ON m.id = coalesce(i.rescue_image_id, i.image_id)
  WHERE o.stage IN ('dispatch', 'node') AND o.next_attempt_at <= now()
    AND o.kind NOT IN ('drain-node', 'migrate-instance')
  ORDER BY o.next_attempt_at LIMIT $1 FOR NO KEY UPDATE OF o SKIP LOCKED
), claimed AS (
  UPDATE operation o
  SET stage = 'node', state = 'running', attempts = o.attempts + 1, updated_at = now(),
      deadline_at = greatest(o.deadline_at,
        CASE WHEN due."bootsSlowly" THEN o.created_at + make_interval(secs => $4) END),
      next_attempt_at = now() + make_interval(secs => $2), dispatched_at = coalesce(o.dispatched_at, clock_timestamp()),
      progress_percent = greatest(o.progress_percent, 40)
  FROM due WHERE o.id = due.id
  RETURNING o.*, due.next_attempt_at AS due_at
)
SELECT o.id AS "operationId", o.kind, o.attempts AS attempt,
       s.id AS "snapshotId", s.has_memory IS FALSE AS "isDiskOnly",
       EXISTS (SELECT FROM resize z WHERE z.operation_id = o.id AND NOT z.restarts) AS grows,
       o.placed_at IS NOT NULL AND o.vmm_id = v.id AS starts,
       n.worker_id AS "workerId", n.id AS "nodeId", n.lease_id AS "leaseId", v.id AS "vmmId", i.id AS "instanceId",
       i.name AS "instanceName",
       p.name AS project, v.generation, v.driver, i.vcpus, i.memory_mib AS "memoryMib", i.disk_gib AS "diskGib",
       i.on_isolation AS "onIsolation",
       i.saved_vmm_id IS NOT NULL AS resumes, ${imageContents}, ${guestAccess},
       (extract(epoch FROM clock_timestamp() - o.due_at) * 1000)::float8 AS "waitedMs"
FROM claimed o
JOIN instance i ON i.id = o.instance_id
JOIN project p ON p.id = i.project_id
JOIN image m ON m.id = i.image_id
LEFT JOIN image k ON k.id = i.rescue_image_id
JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
JOIN node n ON n.id = v.node_id
LEFT JOIN snapshot s ON s.id = o.snapshot_id OR s.operation_id = o.id`;

/** They end when the guest has booted, as a resize does once its guest of the old size is gone. */
const bootingKinds: readonly OperationKind[] = [...startKinds, 'reboot-instance'];

const putBack = `
UPDATE operation SET stage = 'dispatch', next_attempt_at = now() + make_interval(secs => $2), updated_at = now()
WHERE id = ANY($1::uuid[]) AND stage = 'node'`;

/** From placed to handed to a worker. The row is the truth; the job is a wake-up that may be lost, doubled or late. */
export class DispatchRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes operations that wait for a node, and those whose job made no progress for `againAfterMs`. Those without a
   * live vmm are claimed too and missing from the answer: there is nothing to tell a node (see SettleRepository).
   */
  claim<S extends object>(limit: number, againAfterMs: number): Promise<DueDispatch<S>[]> {
    return this.database.query(claim, [limit, againAfterMs / 1000, bootingKinds, bootDeadlineMs / 1000]);
  }

  /** The queue did not take them. */
  async putBack(operationIds: readonly string[], againAfterMs: number): Promise<void> {
    if (operationIds.length > 0) await this.database.query(putBack, [operationIds, againAfterMs / 1000]);
  }
}
