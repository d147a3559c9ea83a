import type { Database } from './database.js';
import type { VmmExit } from './exit-facts.js';
import { lockInstances } from './instance-lock.js';

/** One vmm of a node's full inventory. */
export interface ListedVmm {
  readonly nodeId: string;
  readonly vmmId: string;
  readonly generation: number;
  readonly state: 'starting' | 'running' | 'paused' | 'stopping';
  readonly pid: number | null;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly cpuSeconds: number;
}

/** A vmm that a node has, or the remains of one, and the record does not want. */
export interface Orphan {
  readonly nodeId: string;
  readonly workerId: string;
  readonly vmmId: string;
  readonly instanceId: string;
  readonly generation: number;
}

export interface InventoryOutcome {
  /** The record has them live and the node does not know them. */
  readonly lost: readonly VmmExit[];
  readonly orphans: readonly Orphan[];
  /** The node says they are ready, and the record waits for that: the report was lost. */
  readonly unheard: readonly {
    vmmId: string;
    instanceId: string;
    nodeId: string;
    generation: number;
    pid: number | null;
  }[];
}

const listed = `listed AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS l (
    "nodeId" uuid, "vmmId" uuid, generation int, state text, pid int, "cpuMillis" int, "memoryMib" int,
      "cpuSeconds" float8)
)`;

/** Telemetry; a vmm at rest is not written. */
const usage = `
WITH ${listed}
UPDATE vmm v
SET used_cpu_millis = l."cpuMillis", used_memory_mib = l."memoryMib", cpu_seconds = l."cpuSeconds", observed_at = now()
FROM listed l
WHERE v.id = l."vmmId" AND v.generation = l.generation AND v.state <> 'gone'
  AND (v.used_cpu_millis, v.used_memory_mib) IS DISTINCT FROM (l."cpuMillis", l."memoryMib")`;

/**
 * What differs between list and record. A vmm that changed within the last seconds is left out: the list may have been
 * made before, and its own report says it better.
 */
const differences = `
WITH ${listed}, settled AS (
  SELECT v.*,
         greatest(v.created_at, v.started_at, v.ready_at, v.gone_at) < now() - make_interval(secs => $3) AS is_settled
  FROM vmm v
  WHERE v.id IN (SELECT "vmmId" FROM listed) OR (v.node_id = ANY($2::uuid[]) AND v.state <> 'gone')
)
SELECT CASE WHEN l."vmmId" IS NULL THEN 'lost'
            WHEN v.id IS NULL OR v.state = 'gone' THEN 'orphan'
            WHEN v.state = 'unknown' THEN 'revived'
            ELSE 'unheard' END AS difference,
       coalesce(v.id, l."vmmId") AS "vmmId", v.instance_id AS "instanceId", coalesce(l."nodeId", v.node_id) AS "nodeId",
       coalesce(v.generation, l.generation) AS generation, coalesce(l.pid, v.pid) AS pid, n.worker_id AS "workerId"
FROM listed l FULL JOIN settled v ON v.id = l."vmmId"
JOIN node n ON n.id = coalesce(l."nodeId", v.node_id)
WHERE v.state = 'unknown' AND l."vmmId" IS NOT NULL
   OR coalesce(v.is_settled, true) AND (
        l."vmmId" IS NULL AND (v.state IN ('running', 'paused', 'stopping')
          OR NOT EXISTS (SELECT FROM operation o WHERE o.vmm_id = v.id AND o.ended_at IS NULL))
        OR v.id IS NULL OR v.state = 'gone'
        OR v.state IN ('scheduled', 'starting') AND l.state = 'running')`;

interface Difference {
  readonly difference: 'lost' | 'orphan' | 'revived' | 'unheard';
  readonly vmmId: string;
  readonly instanceId: string | null;
  readonly nodeId: string;
  readonly generation: number;
  readonly pid: number | null;
  readonly workerId: string;
}

/** A node that was out of reach is heard again: its guests are what it says they are. */
const revive = `
WITH ${listed}, revived AS (
  UPDATE vmm v SET state = l.state, pid = coalesce(l.pid, v.pid), observed_at = now()
  FROM listed l WHERE v.id = l."vmmId" AND v.generation = l.generation AND v.state = 'unknown'
  RETURNING v.instance_id, v.generation, v.state
)
UPDATE instance i SET state = r.state, reason = NULL, updated_at = now()
FROM revived r WHERE i.id = r.instance_id AND i.generation = r.generation AND i.state = 'unknown'`;

const ofDeleted = `
SELECT v.id AS "vmmId", v.instance_id AS "instanceId", v.node_id AS "nodeId", v.generation, n.worker_id AS "workerId"
FROM vmm v JOIN instance i ON i.id = v.instance_id JOIN node n ON n.id = v.node_id
WHERE v.id = ANY($1::uuid[]) AND v.state = 'gone' AND i.state = 'deleted'`;

/** What a node says lives on it, against what the record says. */
export class InventoryRepository {
  constructor(private readonly database: Database) {}

  /**
   * Writes usage, takes up what was unknown, and tells what else differs.
   * @param settledMs how long a vmm must not have changed for a list to say anything against it
   */
  async apply(nodeIds: readonly string[], vmms: readonly ListedVmm[], settledMs: number): Promise<InventoryOutcome> {
    const list = JSON.stringify(vmms);
    await this.database.transaction(async (on) => {
      await on.query('SET LOCAL synchronous_commit = off');
      await on.query(usage, [list]);
    });
    const rows = await this.database.query<Difference>(differences, [list, nodeIds, settledMs / 1000]);
    const of = (difference: Difference['difference']): Difference[] =>
      rows.filter((row) => row.difference === difference);
    await this.revive(list, of('revived'));
    return {
      lost: of('lost').map(({ vmmId, instanceId, generation }) => ({
        vmmId,
        instanceId: instanceId!,
        generation,
        reason: 'lost',
        detail: 'the node does not know it',
        method: 'node-reported',
      })),
      orphans: of('orphan').map((orphan) => ({ ...orphan, instanceId: orphan.instanceId ?? orphan.vmmId })),
      unheard: of('unheard').map((row) => ({ ...row, instanceId: row.instanceId! })),
    };
  }

  /** Of vmms that a node keeps the remains of, those whose instance was deleted since. */
  async ofDeleted(vmmIds: readonly string[]): Promise<Orphan[]> {
    return vmmIds.length === 0 ? [] : this.database.query(ofDeleted, [vmmIds]);
  }

  private async revive(list: string, revived: readonly Difference[]): Promise<void> {
    if (revived.length === 0) return;
    await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        revived.map(({ instanceId }) => instanceId!),
      );
      await on.query(revive, [list]);
    });
    this.database.notify('reconcile');
  }
}
