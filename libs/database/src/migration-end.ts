import { instanceTransitions } from '@berth/domain/instance-state.js';
import { sourcesOf } from '@berth/domain/transition.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { endOperations, tellEnded, type EndedOperation, type OperationEnd } from './operation-end.js';
import type { Session } from './session.js';

/**
 * The one rule by which a migration ends, whatever has happened on the way: when the source is gone its target takes
 * its place, when the target is gone the source stays. Both ends tell of it themselves, or are fenced.
 */
export interface EndedMigrations {
  /** Instances that have their next vmm already: their exits decide nothing. */
  readonly promoted: ReadonlySet<string>;
  readonly ended: readonly EndedOperation[];
}

/** Not bound to an open operation: a guest that has moved has moved. */
const promote = `
WITH moved AS (
  UPDATE migration g SET state = 'succeeded', reason = '', ended_at = now()
  FROM vmm t WHERE g.source_vmm_id = ANY($1::uuid[]) AND t.id = g.target_vmm_id AND t.migrating AND t.state <> 'gone'
    AND g.state <> 'succeeded'
  RETURNING g.*, t.node_id, t.generation, t.state AS target_state
), live AS (
  UPDATE vmm v SET migrating = false FROM moved m WHERE v.id = m.target_vmm_id
), held AS (
  UPDATE reservation r SET state = 'active' FROM moved m WHERE r.vmm_id = m.target_vmm_id AND r.state = 'target'
), shown AS (
  UPDATE instance i
  SET generation = m.generation, node_id = m.node_id, reason = NULL, updated_at = now(),
      state = CASE WHEN NOT i.state = ANY($2) THEN i.state WHEN m.target_state = 'running' THEN 'running'
                   WHEN m.target_state = 'unknown' THEN 'unknown' ELSE 'starting' END
  FROM moved m WHERE i.id = m.instance_id RETURNING i.id, i.name
), asked AS (
  UPDATE operation o
  SET stage = 'dispatch', next_attempt_at = now(), updated_at = now(),
      result = jsonb_build_object('node', n.name, 'method', m.method, 'downtimeMs', m.downtime_ms,
                                  'durationMs', m.duration_ms, 'sentBytes', m.sent_bytes, 'encrypted', m.encrypted)
        || jsonb_strip_nulls(jsonb_build_object('memorySentBecause', m.address ->> 'memorySentBecause'))
  FROM moved m JOIN node n ON n.id = m.node_id WHERE o.id = m.operation_id AND o.ended_at IS NULL
)
SELECT m.id, m.instance_id AS "instanceId", m.operation_id AS "operationId", m.node_id AS "nodeId", s.name,
       n.name AS node, m.target_state = 'running' AS runs, m.downtime_ms AS "downtimeMs", m.encrypted
FROM moved m JOIN shown s ON s.id = m.instance_id JOIN node n ON n.id = m.node_id`;

interface Promoted {
  readonly instanceId: string;
  readonly operationId: string;
  readonly nodeId: string;
  readonly name: string;
  readonly node: string;
  readonly runs: boolean;
  readonly downtimeMs: number | null;
  /** Null: its source did not live to tell. */
  readonly encrypted: boolean | null;
}

/** What the record says of a target that ended without a word. */
const untold = 'the target ended before the guest ran in it';

const fail = `
UPDATE migration g SET state = 'failed', ended_at = now(), reason = coalesce(nullif(g.reason, ''), v.exit_detail),
  settled = v.exit_reason = 'migration-failed'
FROM vmm v, instance i
WHERE g.target_vmm_id = ANY($1::uuid[]) AND v.id = g.target_vmm_id AND i.id = g.instance_id AND g.ended_at IS NULL
RETURNING g.instance_id AS "instanceId", g.operation_id AS "operationId", i.name, g.reason AS why,
  g.cancelled_at IS NOT NULL AS "isCancelled"`;

/** A guest that goes on where it was. */
export interface StayedGuest {
  readonly operationId: string;
  readonly why: string;
  readonly isCancelled: boolean;
}

interface Failed extends StayedGuest {
  readonly instanceId: string;
  readonly name: string;
}

/** In the transaction that buried these vmms, after it has locked their instances. */
export async function endMigrations(on: Session, goneVmmIds: readonly string[]): Promise<EndedMigrations> {
  if (goneVmmIds.length === 0) return { promoted: new Set(), ended: [] };
  const promoted = await on.query<Promoted>(promote, [
    goneVmmIds,
    sourcesOf(instanceTransitions, 'running').concat('running'),
  ]);
  const failed = await on.query<Failed>(fail, [goneVmmIds]);
  await recordEvents(on, [...promoted.map(movedEvent), ...failed.map(failedEvent)]);
  const ended = await endOperations(on, [
    ...promoted.filter(({ runs }) => runs).map(({ operationId }) => ({ operationId, state: 'succeeded' as const })),
    ...failed.map(operationOfStayed),
  ]);
  return { promoted: new Set(promoted.map(({ instanceId }) => instanceId)), ended };
}

/** After the commit. */
export function tellMoved(database: Database, ended: EndedOperation[]): EndedOperation[] {
  if (ended.length > 0) database.notify('migrate');
  return tellEnded(database, ended);
}

export function operationOfStayed({ operationId, why, isCancelled }: StayedGuest): OperationEnd {
  if (isCancelled) return { operationId, state: 'cancelled' };
  const problem = {
    code: 'migration-failed' as const,
    detail: why || untold,
    next: 'the instance runs on where it was; look at its events, and ask again',
  };
  return { operationId, state: 'failed', problem };
}

function movedEvent({ instanceId, operationId, nodeId, name, node, downtimeMs, encrypted }: Promoted) {
  const down = downtimeMs === null ? '' : `, down for ${downtimeMs} ms`;
  const way = encrypted === null ? '' : encrypted ? ', sent by TLS' : ', sent unencrypted';
  const message = `${name} runs on ${node}${down}${way}`;
  return { kind: 'InstanceMigrated', instanceId, operationId, nodeId, message, detail: { downtimeMs, encrypted } };
}

function failedEvent({ instanceId, operationId, name, why, isCancelled }: Failed) {
  const message = `${name} stays where it was: ${isCancelled ? 'its move was called off' : why || untold}`;
  const kind = isCancelled ? 'InstanceMigrationCancelled' : 'InstanceMigrationFailed';
  return { kind, instanceId, operationId, message };
}
