import type { OperationKind, OperationState } from '@berth/domain/operation-state.js';
import type { Database } from './database.js';
import { operationOf, selectOperation, type OperationRecord, type OperationRow } from './operation-record.js';

export interface OperationFilter {
  readonly instanceId: string | null;
  readonly state: OperationState | null;
  readonly kind: OperationKind | null;
}

/** Where the page before ended. */
export interface OperationPosition {
  readonly createdAt: string;
  readonly id: string;
}

/** Fleet-wide operations, such as a drain, belong to no project: `$2` lets an admin see them too. */
const visible = `(o.project_id = $1 OR ($2 AND o.project_id IS NULL))`;

const list = `${selectOperation}
WHERE ${visible} AND ($3::uuid IS NULL OR o.instance_id = $3) AND ($4::text IS NULL OR o.state = $4)
  AND ($5::text IS NULL OR o.kind = $5)
  AND ($6::timestamptz IS NULL OR (o.created_at, o.id) < ($6, $7::uuid))
ORDER BY o.created_at DESC, o.id DESC LIMIT $8`;

const find = `${selectOperation} WHERE ${visible} AND o.id = $3`;

/** Operations as their callers see them. */
export class OperationRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async list(
    projectId: string,
    fleetWide: boolean,
    { instanceId, state, kind }: OperationFilter,
    after: OperationPosition | null,
    size: number,
  ): Promise<OperationRecord[]> {
    const rows = await this.database.query<OperationRow>(list, [
      projectId,
      fleetWide,
      instanceId,
      state,
      kind,
      after?.createdAt,
      after?.id,
      size,
    ]);
    return rows.map(operationOf);
  }

  async find(projectId: string, fleetWide: boolean, id: string): Promise<OperationRecord | undefined> {
    const [row] = await this.database.query<OperationRow>(find, [projectId, fleetWide, id]);
    return row && operationOf(row);
  }
}
