import { randomUUID } from 'node:crypto';
import type { DesiredState, InstanceState } from '@berth/domain/instance-state.js';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import type { VmmState } from '@berth/domain/vmm-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import type { Session } from './session.js';

/** An instance that is not as it should be, with nobody at work on it. */
export interface Gap {
  readonly instanceId: string;
  readonly name: string;
  readonly state: InstanceState;
  readonly desiredState: DesiredState;
  readonly generation: number;
  readonly restartCount: number;
  /** Of its live vmm; null: it has none. */
  readonly vmmState: VmmState | null;
}

/** An operation that a loop asks for. */
export interface OpenedOperation {
  readonly instanceId: string;
  /** What the decision saw: another state or generation, and nothing is opened. */
  readonly seen: Pick<Gap, 'state' | 'generation'>;
  readonly kind: OperationKind;
  readonly initiator: string;
  readonly stage: 'place' | 'dispatch';
  /** What the instance is from now on. */
  readonly state: InstanceState;
  readonly reason: string;
}

/**
 * Nothing can be done about a vmm on a node out of reach, nor before a restart is due. What failed, and is cleared
 * away, stays.
 */
const gaps = `
SELECT i.id AS "instanceId", i.name, i.state, i.desired_state AS "desiredState", i.generation,
  i.restart_count AS "restartCount",
       v.state AS "vmmState"
FROM instance i
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
LEFT JOIN node n ON n.id = v.node_id
WHERE i.state <> 'deleted' AND i.state <> i.desired_state
  AND NOT (i.state = 'failed' AND v.id IS NULL AND i.desired_state <> 'deleted')
  AND (v.id IS NULL OR n.state = 'up') AND coalesce(i.restart_after <= now(), true)
  AND NOT EXISTS (SELECT FROM operation o WHERE o.instance_id = i.id AND o.ended_at IS NULL)
ORDER BY i.updated_at LIMIT $1`;

const nextRestart = `
SELECT (extract(epoch FROM min(restart_after) - now()) * 1000)::float8 AS "inMs" FROM instance
WHERE state <> 'deleted' AND state <> desired_state AND restart_after > now()`;

const open = `
WITH asked AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS a (
    "operationId" uuid, "instanceId" uuid, seen jsonb, kind text, initiator text, stage text, state text, reason text)
), changed AS (
  UPDATE instance i SET state = a.state, reason = a.reason, restart_after = NULL, updated_at = now()
  FROM asked a
  WHERE i.id = a."instanceId" AND i.state = a.seen ->> 'state' AND i.generation = (a.seen ->> 'generation')::int
    AND NOT EXISTS (SELECT FROM operation o WHERE o.instance_id = i.id AND o.ended_at IS NULL)
  RETURNING i.id, i.project_id
)
INSERT INTO operation (id, project_id, kind, state, initiator, instance_id, stage, deadline_at)
SELECT a."operationId", c.project_id, a.kind, 'pending', a.initiator, c.id, a.stage, now() + make_interval(secs => $2)
FROM asked a JOIN changed c ON c.id = a."instanceId"
RETURNING instance_id AS "instanceId", id AS "operationId"`;

const eventOf: Readonly<Partial<Record<OperationKind, string>>> = {
  'migrate-instance': 'InstanceMigrating',
  'pause-instance': 'InstancePausing',
  'suspend-instance': 'InstanceSuspending',
  'resume-instance': 'InstanceResuming',
};

/** Desired against observed. */
export class ReconcileRepository {
  constructor(private readonly database: Database) {}

  gaps(limit: number): Promise<Gap[]> {
    return this.database.query(gaps, [limit]);
  }

  /** Until the next restart is due; null: none is waited for. */
  async nextRestartInMs(): Promise<number | null> {
    const [row] = await this.database.query<{ inMs: number | null }>(nextRestart);
    return row?.inMs ?? null;
  }

  /** Opens those whose instance is still as it was seen. Resolves to how many. */
  async open(asked: readonly OpenedOperation[]): Promise<number> {
    if (asked.length === 0) return 0;
    const opened = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        asked.map(({ instanceId }) => instanceId),
      );
      return openOperations(on, asked);
    });
    for (const stage of new Set(asked.map((one) => one.stage))) this.database.notify(stage);
    this.database.notify('event');
    return opened.length;
  }
}

/**
 * In the caller's transaction, after it has locked the instances. Those with an open operation, or that changed, are
 * left out.
 */
export async function openOperations(
  on: Session,
  asked: readonly OpenedOperation[],
): Promise<{ instanceId: string; operationId: string }[]> {
  const rows = asked.map((one) => ({ ...one, operationId: randomUUID() }));
  const opened = await on.query<{ instanceId: string; operationId: string }>(open, [
    JSON.stringify(rows),
    operationDeadlineMs / 1000,
  ]);
  const askedOf = new Map(asked.map((one) => [one.instanceId, one]));
  await recordEvents(
    on,
    opened.map(({ instanceId, operationId }) => ({
      kind: eventOf[askedOf.get(instanceId)!.kind] ?? 'InstanceRestarting',
      instanceId,
      operationId,
      message: askedOf.get(instanceId)?.reason ?? '',
    })),
  );
  return opened;
}
