import type { Database } from './database.js';

/** Rows a statement deletes at most: nothing else waits long behind it. */
const batchSize = 1_000;

const old = (column: string): string => `${column} < now() - make_interval(days => $1)`;

/** Numbers rise with time, so the walk ends at the first row that is young enough: no index on the time is needed. */
const forgetEvents = `
DELETE FROM event WHERE seq IN (
  SELECT seq FROM event WHERE seq < coalesce((
    SELECT seq FROM event WHERE at >= now() - make_interval(days => $1) ORDER BY seq LIMIT 1),
    9223372036854775807)
  ORDER BY seq LIMIT $2)
RETURNING 1`;

/** Of an instance that is there, the newest decision stays whatever its age: it says why it is where it is. */
const forgetDecisions = `
DELETE FROM decision WHERE id IN (
  SELECT d.id FROM decision d JOIN instance i ON i.id = d.instance_id
  WHERE d.id < coalesce((
    SELECT id FROM decision WHERE decided_at >= now() - make_interval(days => $1) ORDER BY id LIMIT 1),
    9223372036854775807)
    AND (i.state = 'deleted' OR EXISTS (SELECT 1 FROM decision n WHERE n.instance_id = d.instance_id AND n.id > d.id))
  ORDER BY d.id LIMIT $2)
RETURNING 1`;

/** Of a failed one that is not settled, nobody knows yet where the guest is. */
const forgetMigrations = `
DELETE FROM migration WHERE id IN (
  SELECT id FROM migration WHERE ${old('ended_at')} AND (state <> 'failed' OR settled) LIMIT $2)
RETURNING 1`;

const forgetReservations = `
DELETE FROM reservation WHERE id IN (
  SELECT id FROM reservation WHERE state = 'released' AND ${old('released_at')} LIMIT $2)
RETURNING 1`;

/** Of an instance that is there, the newest stays. */
const forgetOperations = `
WITH old AS (
  SELECT o.id FROM operation o LEFT JOIN instance i ON i.id = o.instance_id
  WHERE ${old('o.ended_at')}
    AND (i.id IS NULL OR i.state = 'deleted'
         OR EXISTS (SELECT FROM operation n WHERE n.instance_id = o.instance_id AND n.created_at > o.created_at))
    AND NOT EXISTS (SELECT FROM migration g WHERE g.operation_id = o.id)
    AND NOT EXISTS (SELECT FROM reservation r WHERE r.operation_id = o.id)
    AND NOT EXISTS (SELECT FROM snapshot s WHERE s.operation_id = o.id)
  LIMIT $2),
sizes AS (DELETE FROM resize WHERE operation_id IN (SELECT id FROM old))
DELETE FROM operation WHERE id IN (SELECT id FROM old) RETURNING 1`;

/** They know no end of their own: what was kept last is old enough. */
const forgetSnapshots = `
DELETE FROM snapshot WHERE id IN (
  SELECT s.id FROM snapshot s JOIN instance i ON i.id = s.instance_id
  WHERE ${old('coalesce(s.ready_at, s.created_at)')}
    AND (s.state = 'deleted' OR s.state = 'failed' AND i.state = 'deleted')
    AND NOT EXISTS (SELECT FROM operation o WHERE o.snapshot_id = s.id)
  LIMIT $2)
RETURNING 1`;

/** Of an instance that is there, the newest stays: how it ended, and the generation that must not come again. */
const forgetVmms = `
WITH old AS (
  SELECT v.id FROM vmm v JOIN instance i ON i.id = v.instance_id
  WHERE v.state = 'gone' AND ${old('v.gone_at')}
    AND (i.state = 'deleted' OR i.saved_vmm_id IS DISTINCT FROM v.id AND v.generation < i.generation)
    AND NOT EXISTS (SELECT FROM migration g WHERE v.id IN (g.source_vmm_id, g.target_vmm_id))
    AND NOT EXISTS (SELECT FROM reservation r WHERE r.vmm_id = v.id)
    AND NOT EXISTS (SELECT FROM operation o WHERE o.vmm_id = v.id)
  LIMIT $2),
fences AS (DELETE FROM fence WHERE vmm_id IN (SELECT id FROM old)),
saved AS (UPDATE instance SET saved_vmm_id = NULL WHERE saved_vmm_id IN (SELECT id FROM old))
DELETE FROM vmm WHERE id IN (SELECT id FROM old) RETURNING 1`;

/** The last of all that was about it. */
const forgetInstances = `
WITH old AS (
  SELECT i.id FROM instance i
  WHERE i.state = 'deleted' AND ${old('i.deleted_at')}
    AND NOT EXISTS (SELECT FROM migration g WHERE g.instance_id = i.id)
    AND NOT EXISTS (SELECT FROM reservation r WHERE r.instance_id = i.id)
    AND NOT EXISTS (SELECT FROM operation o WHERE o.instance_id = i.id)
    AND NOT EXISTS (SELECT FROM snapshot s WHERE s.instance_id = i.id)
    AND NOT EXISTS (SELECT FROM vmm v WHERE v.instance_id = i.id)
  LIMIT $2),
clones AS (
  UPDATE instance SET cloned_from_id = NULL
  WHERE cloned_from_id IN (SELECT id FROM old) AND id NOT IN (SELECT id FROM old))
DELETE FROM instance WHERE id IN (SELECT id FROM old) RETURNING 1`;

/** What refers comes before what it refers to; what was still referred to goes the next time. */
const statements = {
  event: forgetEvents,
  decision: forgetDecisions,
  migration: forgetMigrations,
  reservation: forgetReservations,
  operation: forgetOperations,
  snapshot: forgetSnapshots,
  vmm: forgetVmms,
  instance: forgetInstances,
};
export type ForgottenTable = keyof typeof statements;

/** What grows with every request, and is of use for a time only. Nothing that lives, is held or is under way goes. */
export class RetentionRepository {
  constructor(private readonly database: Database) {}

  /** In batches, each its own transaction; `tell` hears of each. May be run by several at once. */
  async forget(olderThanDays: number, tell: (table: ForgottenTable, rows: number) => void): Promise<void> {
    for (const [table, statement] of Object.entries(statements) as [ForgottenTable, string][]) {
      for (let rows = batchSize; rows === batchSize;) {
        rows = (await this.database.query(statement, [olderThanDays, batchSize])).length;
        if (rows > 0) tell(table, rows);
      }
    }
  }
}
