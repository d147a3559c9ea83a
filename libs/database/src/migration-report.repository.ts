import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { operationOfStayed, tellMoved, type StayedGuest } from './migration-end.js';
import { endOperations, type EndedOperation } from './operation-end.js';

const prepared = `
WITH ready AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, generation int, address jsonb)
), waits AS (
  UPDATE migration g SET state = 'running', address = r.address
  FROM ready r JOIN vmm v ON v.id = r."vmmId" AND v.generation = r.generation AND v.state <> 'gone'
  WHERE g.target_vmm_id = r."vmmId" AND g.state = 'planned' RETURNING g.operation_id
)
UPDATE operation o SET stage = 'dispatch', next_attempt_at = now(), updated_at = now(),
  progress_percent = greatest(progress_percent, 10)
FROM waits w WHERE o.id = w.operation_id AND o.ended_at IS NULL`;

/**
 * While something arrives, the move has time: up to ten minutes in all. At each tenth, once a second at most, those who
 * follow events are told.
 */
const progressed = `
WITH heard AS (
  SELECT r.*, g.operation_id, g.instance_id, g.cancelled_at,
         r.percent / 10 > coalesce((g.progress ->> 'percent')::int, 0) / 10
           AND coalesce(g.told_at < now() - interval '1 second', true) AS tells
  FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, percent int, progress jsonb)
  JOIN migration g ON g.source_vmm_id = r."vmmId" AND g.ended_at IS NULL
), noted AS (
  UPDATE migration g SET progress = h.progress, told_at = CASE WHEN h.tells THEN now() ELSE g.told_at END
  FROM heard h WHERE g.source_vmm_id = h."vmmId" AND g.ended_at IS NULL
), shown AS (
  UPDATE operation o
  SET progress_percent = greatest(o.progress_percent, 10 + h.percent * 8 / 10), updated_at = now(),
      next_attempt_at = CASE WHEN h.cancelled_at IS NULL THEN now() + interval '10 seconds' ELSE o.next_attempt_at END,
      deadline_at = least(greatest(o.deadline_at, now() + interval '60 seconds'), o.created_at + interval '600 seconds')
  FROM heard h WHERE o.id = h.operation_id AND o.ended_at IS NULL RETURNING o.id
)
SELECT h.instance_id AS "instanceId", h.operation_id AS "operationId", i.name, h.progress
FROM heard h JOIN shown s ON s.id = h.operation_id JOIN instance i ON i.id = h.instance_id WHERE h.tells`;

interface ToldProgress {
  readonly instanceId: string;
  readonly operationId: string;
  readonly name: string;
  readonly progress: MigrationProgress;
}

const switched = `
UPDATE migration SET switched_at = coalesce(switched_at, now())
WHERE source_vmm_id = ANY($1::uuid[]) AND ended_at IS NULL`;

const measured = `
UPDATE migration g
SET downtime_ms = round(r."downtimeMs"), duration_ms = round(r."durationMs"), sent_bytes = r."sentBytes",
    method = r.method, encrypted = r.encrypted
FROM jsonb_to_recordset($1::jsonb) AS r (
  "vmmId" uuid, "downtimeMs" float8, "durationMs" float8, "sentBytes" float8, method text, encrypted bool)
WHERE g.source_vmm_id = r."vmmId" AND g.downtime_ms IS NULL AND g.state <> 'failed'
RETURNING g.source_vmm_id AS "vmmId"`;

/** The row stays open until its target is gone: the source may be on its way. Why it failed, the source knows best. */
const refuse = `
UPDATE migration g SET reason = r.detail
FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, "operationId" uuid, detail text)
WHERE g.operation_id = r."operationId" AND g.ended_at IS NULL AND g.source_vmm_id = r."vmmId"
RETURNING g.operation_id AS "operationId", g.reason AS why, g.cancelled_at IS NOT NULL AS "isCancelled"`;

const settle = `UPDATE migration SET settled = true WHERE source_vmm_id = ANY($1::uuid[]) AND state = 'failed'`;

/** What both ends of live migrations say on the way. That a vmm is gone, and what follows, `endMigrations` writes. */
export class MigrationReportRepository {
  constructor(private readonly database: Database) {}

  /** The target waits. */
  async prepared(reports: readonly { vmmId: string; generation: number; address: object }[]): Promise<void> {
    if (reports.length === 0) return;
    await this.database.query(prepared, [JSON.stringify(reports)]);
    this.database.notify('migrate');
  }

  /** Their last bytes go: what calls them off comes too late. */
  async switched(sourceVmmIds: readonly string[]): Promise<void> {
    if (sourceVmmIds.length > 0) await this.database.query(switched, [sourceVmmIds]);
  }

  async progressed(
    reports: readonly { readonly vmmId: string; readonly progress: MigrationProgress }[],
  ): Promise<void> {
    if (reports.length === 0) return;
    const newest = new Map(
      reports.map(({ vmmId, progress }) => [vmmId, { vmmId, progress, percent: progress.percent }]),
    );
    const told = await this.database.transaction(async (on) => {
      const rows = await on.query<ToldProgress>(progressed, [JSON.stringify([...newest.values()])]);
      await recordEvents(on, rows.map(progressEvent));
      return rows.length;
    });
    if (told > 0) this.database.notify('event');
  }

  /** What the source measured. Resolves to those that were not known yet. */
  async measured(reports: readonly object[]): Promise<ReadonlySet<string>> {
    if (reports.length === 0) return new Set();
    const rows = await this.database.query<{ vmmId: string }>(measured, [JSON.stringify(reports)]);
    return new Set(rows.map(({ vmmId }) => vmmId));
  }

  /** The guest goes on at the source; its target will be told to end. */
  async stayed(
    reports: readonly { vmmId: string; instanceId: string; operationId: string; detail: string }[],
  ): Promise<EndedOperation[]> {
    if (reports.length === 0) return [];
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        reports.map(({ instanceId }) => instanceId),
      );
      return endOperations(on, (await on.query<StayedGuest>(refuse, [JSON.stringify(reports)])).map(operationOfStayed));
    });
    return tellMoved(this.database, ended);
  }

  async settled(sourceVmmIds: readonly string[]): Promise<void> {
    if (sourceVmmIds.length > 0) await this.database.query(settle, [sourceVmmIds]);
  }
}

function progressEvent({ instanceId, operationId, name, progress }: ToldProgress) {
  const message = `${progress.percent} % of ${name} is on its new node`;
  return { kind: 'InstanceMigrationProgress', instanceId, operationId, message, detail: { ...progress } };
}
