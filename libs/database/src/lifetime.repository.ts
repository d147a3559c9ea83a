import type { Session } from './session.js';

/** An instance with what lifetimes are learned by; times in seconds since the epoch, by the database clock. */
export interface LifeRow {
  readonly id: string;
  readonly project: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  /** Instances asked for in one request. */
  readonly batchSize: number;
  readonly bornS: number;
}

export interface LifeRows {
  readonly nowS: number;
  readonly ended: readonly (LifeRow & { readonly endedS: number })[];
  readonly live: readonly (LifeRow & { readonly node: string | null })[];
}

const seconds = (column: string): string => `extract(epoch FROM ${column})::float8`;
const life = `i.id, i.project_id AS project, i.vcpus * 1000 AS "cpuMillis", i.memory_mib AS "memoryMib",
       i.batch_size AS "batchSize", ${seconds('i.created_at')} AS "bornS"`;

const now = `SELECT ${seconds('now()')} AS "nowS"`;

/** The newest of them: more than that is not needed to know how long instances live. */
const ended = `
SELECT ${life}, ${seconds('i.deleted_at')} AS "endedS" FROM instance i
WHERE i.state = 'deleted' AND i.deleted_at > to_timestamp($1) ORDER BY i.deleted_at DESC LIMIT $2`;

/** During a live migration it is still where it was. */
const live = `
SELECT ${life}, n.name AS node FROM instance i
LEFT JOIN reservation r ON r.instance_id = i.id AND r.state = 'active' LEFT JOIN node n ON n.id = r.node_id
WHERE i.state <> 'deleted' ORDER BY i.created_at DESC LIMIT $1`;

/** Lives of instances, ended and not. */
export class LifetimeRepository {
  constructor(private readonly session: Session) {}

  /** What ended since a moment, oldest first, and all that lives now; at most `limit` of each, the newest. */
  async lives(endedSinceS: number, limit: number): Promise<LifeRows> {
    const [clock] = await this.session.query<{ nowS: number }>(now);
    const endings = await this.session.query<LifeRows['ended'][number]>(ended, [endedSinceS, limit]);
    const living = await this.session.query<LifeRows['live'][number]>(live, [limit]);
    return { nowS: clock!.nowS, ended: endings.toReversed(), live: living };
  }
}
