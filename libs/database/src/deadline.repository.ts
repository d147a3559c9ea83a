import type { InstanceState } from '@berth/domain/instance-state.js';
import type { NodeState } from '@berth/domain/node-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, tellEnded, type EndedOperation } from './operation-end.js';
import type { Session } from './session.js';

/** An open operation whose time is up. */
export interface OverdueOperation {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly initiator: string;
  readonly stage: 'place' | 'dispatch' | 'node';
  readonly instanceId: string | null;
  readonly instanceState: InstanceState | null;
  readonly reason: string | null;
  /** Of the node that was to do it. */
  readonly node: string | null;
  readonly nodeState: NodeState | null;
}

export interface DeadlineOutcome {
  readonly problem: Problem;
  readonly instance?: { readonly state: InstanceState; readonly reason: string; readonly restartAfterMs?: number };
}

const overdueIds = `
SELECT id, instance_id AS "instanceId" FROM operation WHERE ended_at IS NULL AND deadline_at < now() LIMIT $1`;

const overdue = `
SELECT o.id AS "operationId", o.kind, o.initiator, o.stage, o.instance_id AS "instanceId", i.state AS "instanceState",
  i.reason,
       n.name AS node, n.state AS "nodeState"
FROM operation o
LEFT JOIN instance i ON i.id = o.instance_id
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
LEFT JOIN node n ON n.id = coalesce(v.node_id, o.node_id)
WHERE o.id = ANY($1::uuid[]) AND o.ended_at IS NULL`;

const change = `
UPDATE instance i
SET state = c.state, reason = c.reason, updated_at = now(),
  restart_after = now() + make_interval(secs => c."restartAfterMs" / 1000)
FROM jsonb_to_recordset($1::jsonb) AS c (id uuid, seen text, state text, reason text, "restartAfterMs" float8)
WHERE i.id = c.id AND i.state = c.seen`;

/** Every operation ends: those whose deadline has passed by the database clock end here. */
export class DeadlineRepository {
  constructor(
    private readonly database: Database,
    private readonly decide: (operation: OverdueOperation) => DeadlineOutcome,
  ) {}

  async expire(limit: number): Promise<readonly EndedOperation[]> {
    const due = await this.database.query<{ id: string; instanceId: string | null }>(overdueIds, [limit]);
    if (due.length === 0) return [];
    const ended = await this.database.transaction((on) => this.expireTogether(on, due));
    this.database.notify('event');
    this.database.notify('reconcile');
    return tellEnded(this.database, ended);
  }

  private async expireTogether(
    on: Session,
    due: readonly { id: string; instanceId: string | null }[],
  ): Promise<EndedOperation[]> {
    await lockInstances(
      on,
      due.flatMap(({ instanceId }) => instanceId ?? []),
    );
    const rows = await on.query<OverdueOperation>(overdue, [due.map(({ id }) => id)]);
    const outcomes = rows.map((row) => ({ row, ...this.decide(row) }));
    const changes = outcomes.flatMap(({ row, instance }) =>
      instance === undefined ? [] : [{ id: row.instanceId, seen: row.instanceState, ...instance }],
    );
    if (changes.length > 0) await on.query(change, [JSON.stringify(changes)]);
    await recordEvents(
      on,
      changes.flatMap(({ id, state, reason }) =>
        state === 'failed' ? [{ kind: 'InstanceFailed', instanceId: id, message: reason }] : [],
      ),
    );
    return endOperations(
      on,
      outcomes.map(({ row, problem }) => ({ operationId: row.operationId, state: 'failed' as const, problem })),
    );
  }
}
