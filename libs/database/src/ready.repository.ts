import { instanceTransitions } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import { sourcesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, type EndedOperation } from './operation-end.js';
import type { PhaseEnd } from './operation-record.js';
import type { Session } from './session.js';

export interface VmmReference {
  readonly vmmId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly generation: number;
}

/** Milliseconds since the node took the job; null: not reached, or not measured. */
export interface NodeTimings {
  readonly imageMs: number | null;
  readonly spawnedMs: number | null;
  readonly kernelMs: number | null;
  readonly readyMs: number | null;
}

export interface StartingReport extends VmmReference {
  readonly pid: number | null;
}

export interface ReadyReport extends StartingReport {
  readonly operationId: string | null;
  readonly timings: NodeTimings;
  /** As the node opened them; undefined: not told this time. */
  readonly forwards?: readonly object[] | undefined;
}

/** A start that ended well. */
export interface ReadyOutcome extends EndedOperation {
  readonly driver: EngineDriverName;
  readonly timeline: readonly PhaseEnd[];
}

export interface AppliedReports {
  /** Ids of the vmms that the record moved; the others were stale. */
  readonly moved: ReadonlySet<string>;
  readonly ready: readonly ReadyOutcome[];
}

/** How far an operation was when its guest became ready, by the database clock. */
export interface ReadyFacts {
  readonly totalMs: number;
  readonly timeline: readonly PhaseEnd[];
}

const reportColumns = `"vmmId" uuid, "instanceId" uuid, generation int, pid int`;

/** Not from running: a doubled report of the start would undo it. */
const starting = `
WITH report AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (${reportColumns})),
moved AS (
  UPDATE vmm v SET state = 'starting', pid = coalesce(r.pid, v.pid), started_at = coalesce(v.started_at, now()),
    observed_at = now()
  FROM report r WHERE v.id = r."vmmId" AND v.generation = r.generation AND v.state = ANY($2)
  RETURNING v.id, v.instance_id, v.migrating
), revived AS (
  UPDATE instance i SET state = 'starting', updated_at = now()
  FROM moved m WHERE i.id = m.instance_id AND i.state = 'unknown' AND NOT m.migrating
), shown AS (
  UPDATE operation o SET progress_percent = greatest(o.progress_percent, CASE WHEN m.migrating THEN 5 ELSE 60 END),
                         updated_at = now(), next_attempt_at = now() + make_interval(secs => $3)
  FROM moved m WHERE o.vmm_id = m.id AND o.stage = 'node'
)
SELECT id FROM moved`;

const running = `
UPDATE vmm v
SET state = 'running', pid = coalesce(r.pid, v.pid), started_at = coalesce(v.started_at, now()),
    ready_at = coalesce(v.ready_at, now()), observed_at = now(), forwards = coalesce(r.forwards, v.forwards)
FROM jsonb_to_recordset($1::jsonb) AS r (${reportColumns}, forwards jsonb)
WHERE v.id = r."vmmId" AND v.generation = r.generation AND v.state = ANY($2)
RETURNING v.id`;

const instanceRunning = `
UPDATE instance i SET state = 'running', reason = NULL, ready_at = now(), restart_after = NULL, saved_vmm_id = NULL,
  updated_at = now()
FROM vmm v WHERE v.id = ANY($1::uuid[]) AND i.id = v.instance_id AND i.generation = v.generation AND i.state = ANY($2)
RETURNING i.id AS "instanceId", v.node_id AS "nodeId", i.name || ' is ready' AS message`;

/** A start is over when its own vmm is ready; a reboot when the report names it, for the guest was ready before. */
const ending = `
SELECT o.id AS "operationId", v.id AS "vmmId", v.driver, o.timeline,
       (extract(epoch FROM clock_timestamp() - o.created_at) * 1000)::float8 AS "totalMs"
FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, "operationId" uuid)
JOIN vmm v ON v.id = r."vmmId"
JOIN operation o ON o.instance_id = v.instance_id AND o.ended_at IS NULL
WHERE v.id = ANY($2::uuid[]) AND CASE WHEN o.kind IN ('stop-instance', 'delete-instance') THEN false
                                      WHEN o.placed_at IS NOT NULL THEN o.vmm_id = v.id AND NOT v.migrating
                                      ELSE o.kind = 'reboot-instance' AND o.id = r."operationId" END`;

interface EndingStart extends ReadyFacts {
  readonly operationId: string;
  readonly vmmId: string;
  readonly driver: EngineDriverName;
}

const startingSources = sourcesOf(vmmTransitions, 'starting').filter((state) => state !== 'running');
/** Not from paused: a doubled report of the start would undo it. */
const runningSources = [...sourcesOf(vmmTransitions, 'running').filter((state) => state !== 'paused'), 'running'];
const instanceRunningSources = sourcesOf(instanceTransitions, 'running').filter((state) => state !== 'paused');

/**
 * From handed to a worker to ready. Reports may come twice and in any order: each moves the record forward or is stale.
 */
export class ReadyRepository {
  constructor(private readonly database: Database) {}

  /** @param timelineOf the phases of a start, from what the record and the node know */
  async apply(
    begun: readonly StartingReport[],
    ready: readonly ReadyReport[],
    quietMs: number,
    timelineOf: (facts: ReadyFacts, timings: NodeTimings) => readonly PhaseEnd[],
  ): Promise<AppliedReports> {
    const applied = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        [...begun, ...ready].map(({ instanceId }) => instanceId),
      );
      const started = await moveStarting(on, begun, quietMs);
      const { moved, ends } = await moveReady(on, ready, timelineOf);
      return { moved: new Set([...started, ...moved]), ready: ends };
    });
    for (const { operationId } of applied.ready) this.database.notify('operation', operationId);
    if (applied.moved.size > 0) this.database.notify('event');
    return applied;
  }
}

async function moveStarting(on: Session, begun: readonly StartingReport[], quietMs: number): Promise<string[]> {
  if (begun.length === 0) return [];
  const rows = await on.query<{ id: string }>(starting, [JSON.stringify(begun), startingSources, quietMs / 1000]);
  return rows.map(({ id }) => id);
}

async function moveReady(
  on: Session,
  ready: readonly ReadyReport[],
  timelineOf: (facts: ReadyFacts, timings: NodeTimings) => readonly PhaseEnd[],
): Promise<{ moved: string[]; ends: ReadyOutcome[] }> {
  if (ready.length === 0) return { moved: [], ends: [] };
  const moved = (await on.query<{ id: string }>(running, [JSON.stringify(ready), runningSources])).map(({ id }) => id);
  if (moved.length === 0) return { moved, ends: [] };
  const started = await on.query<{ instanceId: string; nodeId: string; message: string }>(instanceRunning, [
    moved,
    instanceRunningSources,
  ]);
  await recordEvents(
    on,
    started.map((event) => ({ kind: 'InstanceReady', ...event })),
  );
  const timings = new Map(ready.map((report) => [report.vmmId, report.timings]));
  const facts = await on.query<EndingStart>(ending, [JSON.stringify(ready), moved]);
  const starts = new Map(
    facts.map((fact) => {
      const timeline = timelineOf(fact, timings.get(fact.vmmId)!);
      return [
        fact.operationId,
        { operationId: fact.operationId, driver: fact.driver, timeline, state: 'succeeded' as const },
      ];
    }),
  );
  const ended = await endOperations(on, [...starts.values()]);
  return { moved, ends: ended.map((end) => ({ ...starts.get(end.operationId)!, ...end })) };
}
