import type { Database } from './database.js';
import { iso } from './text.js';

/** `K` is the contract's list of kinds. */
export interface EventRecord<K extends string> {
  readonly seq: number;
  readonly kind: K;
  readonly project: string | null;
  readonly instance: string | null;
  readonly node: string | null;
  readonly operation: string | null;
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly at: string;
}

export interface EventFilter {
  readonly kind: string | null;
  readonly instanceId: string | null;
  readonly operationId: string | null;
}

const select = `
SELECT e.seq, e.kind, p.name AS project, e.instance_id AS instance, n.name AS node,
  e.operation_id AS operation, e.message,
       e.detail, ${iso('e.at')} AS at
FROM event e LEFT JOIN project p ON p.id = e.project_id LEFT JOIN node n ON n.id = e.node_id`;

const list = `${select}
WHERE e.seq > $1 AND e.seq <= $8 AND (e.project_id = $2 OR ($3 AND e.project_id IS NULL))
  AND ($4::text IS NULL OR e.kind = $4)
  AND ($5::uuid IS NULL OR e.instance_id = $5) AND ($6::uuid IS NULL OR e.operation_id = $6)
ORDER BY e.seq LIMIT $7`;

const sequence = 'SELECT seq FROM event WHERE seq > $1 ORDER BY seq LIMIT $2';

/** What happened, in order: also the audit of every write. */
export class EventRepository {
  constructor(private readonly database: Database) {}

  /** Oldest first. Events of the fleet belong to no project: only with `fleetWide`. */
  list<K extends string>(
    projectId: string,
    fleetWide: boolean,
    { kind, instanceId, operationId }: EventFilter,
    { after, upTo }: { readonly after: number; readonly upTo: number },
    size: number,
  ): Promise<EventRecord<K>[]> {
    return this.database.query(list, [after, projectId, fleetWide, kind, instanceId, operationId, size, upTo]);
  }

  /** The numbers that are committed by now, whoever's events they are. */
  async numbersAfter(seq: number, size: number): Promise<number[]> {
    const rows = await this.database.query<{ seq: number }>(sequence, [seq, size]);
    return rows.map((row) => row.seq);
  }

  async lastSeq(): Promise<number> {
    const [row] = await this.database.query<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM event');
    return row!.seq;
  }
}
