import { sourcesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import type { VmmReference } from './ready.repository.js';

const stopping = `
UPDATE vmm v SET state = 'stopping', observed_at = now()
FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, generation int)
WHERE v.id = r."vmmId" AND v.generation = r.generation AND v.state = ANY($2)`;

/** A start that makes progress is neither handed out again nor given up. */
const fetching = `
UPDATE operation o SET updated_at = now(),
  progress_percent = greatest(o.progress_percent, CASE o.kind WHEN 'migrate-instance' THEN 5 ELSE 60 + r.percent END),
  next_attempt_at = now() + make_interval(secs => 30),
  deadline_at = greatest(o.deadline_at, now() + make_interval(secs => 60))
FROM (SELECT "operationId", "vmmId", max(20 * "receivedBytes" / "totalBytes")::int AS percent
      FROM jsonb_to_recordset($1::jsonb)
        AS r ("operationId" uuid, "vmmId" uuid, "receivedBytes" bigint, "totalBytes" bigint) GROUP BY 1, 2) r
WHERE o.id = r."operationId" AND o.vmm_id = r."vmmId" AND o.stage = 'node'`;

const adopted = `
UPDATE vmm v SET pid = r.pid, observed_at = now()
FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, generation int, pid int)
WHERE v.id = r."vmmId" AND v.generation = r.generation AND v.state <> 'gone'
RETURNING v.instance_id AS "instanceId", v.node_id AS "nodeId"`;

const knownNodes = `SELECT id FROM node WHERE id = ANY($1::uuid[])`;

/** Reports that change little: they are shown, and nothing waits for them. */
export class NoteRepository {
  constructor(private readonly database: Database) {}

  async stopping(reports: readonly VmmReference[]): Promise<void> {
    if (reports.length > 0)
      await this.database.query(stopping, [JSON.stringify(reports), sourcesOf(vmmTransitions, 'stopping')]);
  }

  /** Shown as 60 to 80 % of the start. */
  async fetching(
    reports: readonly { operationId: string; vmmId: string; receivedBytes: number; totalBytes: number }[],
  ): Promise<void> {
    if (reports.length > 0) await this.database.query(fetching, [JSON.stringify(reports)]);
  }

  /** A worker that came back took up guests that had gone on without it. */
  async adopted(reports: readonly (VmmReference & { readonly pid: number | null })[]): Promise<void> {
    if (reports.length === 0) return;
    await this.database.transaction(async (on) => {
      const rows = await on.query<{ instanceId: string; nodeId: string }>(adopted, [JSON.stringify(reports)]);
      await recordEvents(
        on,
        rows.map((row) => ({ kind: 'VmmAdopted', message: 'its guest went on while its worker was away', ...row })),
      );
    });
    this.database.notify('event');
  }

  async orphansKilled(reports: readonly { nodeId: string; pid: number; detail: string }[]): Promise<void> {
    if (reports.length === 0) return;
    const rows = await this.database.query<{ id: string }>(knownNodes, [reports.map(({ nodeId }) => nodeId)]);
    const known = new Set(rows.map(({ id }) => id));
    const events = reports.filter(({ nodeId }) => known.has(nodeId));
    await recordEvents(
      this.database,
      events.map(({ nodeId, pid, detail }) => ({
        kind: 'OrphanKilled',
        nodeId,
        message: `process ${pid} that nobody owned was ended`,
        detail: { pid, detail },
      })),
    );
    this.database.notify('event');
  }
}
