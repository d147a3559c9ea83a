import type { OperationKind } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import type { PhaseEnd } from './operation-record.js';
import { dropResizes } from './resize-end.js';
import type { Session } from './session.js';

export interface OperationEnd {
  readonly operationId: string;
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  /** Of a failed one. */
  readonly problem?: Problem;
  readonly timeline?: readonly PhaseEnd[];
  readonly result?: Readonly<Record<string, unknown>>;
}

/** What ended, for metrics and for those who wait for it. */
export interface EndedOperation {
  readonly operationId: string;
  readonly instanceId: string | null;
  readonly nodeId: string | null;
  readonly kind: OperationKind;
  readonly state: OperationEnd['state'];
  readonly durationMs: number;
}

const end = `
UPDATE operation o
SET state = e.state, stage = 'done', problem = e.problem, result = coalesce(e.result, o.result), ended_at = now(),
  updated_at = now(),
    timeline = coalesce(e.timeline, o.timeline),
    progress_percent = CASE e.state WHEN 'succeeded' THEN 100 ELSE o.progress_percent END
FROM jsonb_to_recordset($1::jsonb) AS e ("operationId" uuid, state text, problem jsonb, timeline jsonb, result jsonb)
WHERE o.id = e."operationId" AND o.ended_at IS NULL
RETURNING o.id AS "operationId", o.instance_id AS "instanceId", o.node_id AS "nodeId", o.kind, o.state,
          (extract(epoch FROM o.ended_at - o.created_at) * 1000)::float8 AS "durationMs"`;

/** A snapshot is made by one operation: without it, nobody waits for it any more. */
const endSnapshots = `
UPDATE snapshot s SET state = 'failed', reason = coalesce(o.problem ->> 'detail', 'it was ' || o.state)
FROM operation o WHERE o.id = ANY($1::uuid[]) AND s.operation_id = o.id AND s.state = 'creating'`;

/** Of a clone that came to nothing, nothing is left: the reconciler deletes it, whatever there is of it. */
const giveUpClones = `
UPDATE instance SET desired_state = 'deleted', restart_after = NULL, updated_at = now()
WHERE id = ANY($1::uuid[]) AND state <> 'deleted'`;

const eventOf = {
  succeeded: 'OperationSucceeded',
  failed: 'OperationFailed',
  cancelled: 'OperationCancelled',
} as const satisfies Record<OperationEnd['state'], string>;

/** Ends operations that are still open; the answer lacks those that were not. */
export async function endOperations(on: Session, ends: readonly OperationEnd[]): Promise<EndedOperation[]> {
  if (ends.length === 0) return [];
  const ended = await on.query<EndedOperation>(end, [JSON.stringify(ends)]);
  const undone = ended.filter(({ state }) => state !== 'succeeded');
  const unkept = undone.filter(({ kind }) => kind === 'snapshot-instance');
  await dropResizes(
    on,
    ended.filter(({ kind }) => kind === 'resize-instance').map(({ operationId }) => operationId),
  );
  if (unkept.length > 0) await on.query(endSnapshots, [unkept.map(({ operationId }) => operationId)]);
  const unmade = undone.filter(({ kind }) => kind === 'clone-instance');
  if (unmade.length > 0) await on.query(giveUpClones, [unmade.map(({ instanceId }) => instanceId)]);
  const problems = new Map(ends.map(({ operationId, problem }) => [operationId, problem]));
  await recordEvents(
    on,
    ended.map(({ operationId, instanceId, nodeId, kind, state }) => ({
      kind: eventOf[state],
      operationId,
      instanceId,
      nodeId,
      message: [`${kind} ${state}`, problems.get(operationId)?.detail].filter(Boolean).join(': '),
    })),
  );
  return ended;
}

/** Those who wait for them, after the commit. */
export function tellEnded<E extends readonly EndedOperation[]>(database: Database, ended: E): E {
  for (const { operationId } of ended) database.notify('operation', operationId);
  if (ended.length > 0) database.notify('event');
  return ended;
}
