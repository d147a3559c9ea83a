import type { Database } from './database.js';

/** Rows a statement deletes at most: nothing else waits long behind it. */
const batchSize = 10_000;

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

/** What grows with every request, and is of use for a time only. Instances, operations and migrations stay. */
export class RetentionRepository {
  constructor(private readonly database: Database) {}

  async forget(olderThanDays: number): Promise<void> {
    for (const statement of [forgetEvents, forgetDecisions]) {
      while ((await this.database.query(statement, [olderThanDays, batchSize])).length === batchSize);
    }
  }
}
