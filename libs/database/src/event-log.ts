import type { Session } from './session.js';

export interface NewEvent {
  readonly kind: string;
  readonly message: string;
  readonly instanceId?: string | null;
  readonly nodeId?: string | null;
  readonly operationId?: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** The project is the instance's: events of nodes belong to no project. */
const insert = `
INSERT INTO event (kind, project_id, instance_id, node_id, operation_id, message, detail)
SELECT e.kind, i.project_id, e."instanceId", e."nodeId", e."operationId", e.message, coalesce(e.detail, '{}')
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (
  kind text, "instanceId" uuid, "nodeId" uuid, "operationId" uuid, message text, detail jsonb)) WITH ORDINALITY
  AS e (kind, "instanceId", "nodeId", "operationId", message, detail, nth)
LEFT JOIN instance i ON i.id = e."instanceId"
ORDER BY e.nth`;

/** Says what happened, in the transaction in which it happens. */
export async function recordEvents(on: Session, events: readonly NewEvent[]): Promise<void> {
  if (events.length > 0) await on.query(insert, [JSON.stringify(events)]);
}
