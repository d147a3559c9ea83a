import { randomUUID } from 'node:crypto';
import type { IsolationPolicy } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import type { Amounts } from './fleet.repository.js';
import { imageContents } from './image-record.js';
import { lockInstances } from './instance-lock.js';
import { guestAccess } from './instance-seed.repository.js';
import { tellMoved } from './migration-end.js';
import { nextGeneration, reserveOnNodes } from './node-capacity.js';
import { endOperations, type EndedOperation } from './operation-end.js';

/** An instance that is to move. `C` is the contract of its constraints. */
export interface PendingMigration<C extends object> {
  readonly operationId: string;
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly constraints: C;
  readonly sourceVmmId: string;
  readonly sourceNodeId: string;
  readonly driver: EngineDriverName;
  /** Null: any that fits. */
  readonly wantedNodeId: string | null;
}

export interface PlannedMigration extends Amounts {
  readonly operationId: string;
  readonly instanceId: string;
  readonly sourceVmmId: string;
  readonly nodeId: string;
  readonly driver: EngineDriverName;
  readonly policy: string;
  readonly explanation: object;
}

interface MigrationEnd {
  readonly workerId: string;
  readonly nodeId: string;
  readonly leaseId: string;
  readonly vmmId: string;
  readonly generation: number;
}

/** A migration whose next step is due. `S` is the contract of an image's content. */
export interface DueMigration<S extends object> {
  readonly operationId: string;
  readonly attempt: number;
  /**
   * prepare: the target is to wait. send: the source is to send. cancel: it is to keep its guest if it still can.
   * finish: the source is gone, the guest left to it.
   */
  readonly step: 'prepare' | 'send' | 'cancel' | 'finish';
  readonly instanceId: string;
  readonly instanceName: string;
  readonly project: string;
  readonly driver: EngineDriverName;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly onIsolation: IsolationPolicy;
  readonly image: S;
  readonly rescueImage: S | null;
  /** Of the guest. */
  readonly ports: number[];
  readonly hasSeed: boolean;
  readonly source: MigrationEnd & { readonly certificate: string | null; readonly agentUrl: string | null };
  readonly target: MigrationEnd & { readonly agentUrl: string };
  /** As the target told it. */
  readonly address: object | null;
  /** As its caller asked for; null: nothing. */
  readonly limits: object | null;
}

/** A vmm that is to be told how its migration ended. */
export interface LooseEnd extends MigrationEnd {
  readonly instanceId: string;
  /** waiting: nobody wants the target any more. left: the target is gone, and may have run. */
  readonly kind: 'waiting' | 'left';
}

const pending = `
SELECT o.id AS "operationId", i.id, i.name, i.project_id AS "projectId", i.vcpus, i.memory_mib AS "memoryMib",
       i.disk_gib AS "diskGib", i.constraints, v.id AS "sourceVmmId", v.node_id AS "sourceNodeId", v.driver,
       o.node_id AS "wantedNodeId"
FROM operation o JOIN instance i ON i.id = o.instance_id AND i.state = 'running'
JOIN vmm v ON v.instance_id = i.id AND v.state = 'running' AND NOT v.migrating
WHERE o.stage = 'place' AND o.kind = 'migrate-instance' AND o.next_attempt_at <= now()
  AND NOT EXISTS (SELECT FROM vmm t WHERE t.instance_id = i.id AND t.migrating AND t.state <> 'gone')
ORDER BY o.created_at LIMIT $1`;

const stillPending = `
SELECT o.id FROM operation o JOIN vmm v ON v.instance_id = o.instance_id
WHERE o.id = ANY($1::uuid[]) AND o.stage = 'place' AND v.id = ANY($2::uuid[]) AND v.state = 'running'
  AND NOT EXISTS (SELECT FROM vmm t WHERE t.instance_id = v.instance_id AND t.migrating AND t.state <> 'gone')`;

const record = `
WITH plan AS (
  SELECT p.*, ${nextGeneration('i')} AS generation, i.name, i.project_id, n.name AS node
  FROM jsonb_to_recordset($1::jsonb) AS p (
    "operationId" uuid, "instanceId" uuid, "sourceVmmId" uuid, "targetVmmId" uuid, "nodeId" uuid, driver text,
    "cpuMillis" int, "memoryMib" int, "diskGib" int, policy text, explanation jsonb)
  JOIN instance i ON i.id = p."instanceId" JOIN node n ON n.id = p."nodeId"
), made AS (
  INSERT INTO vmm (id, instance_id, generation, node_id, driver, state, migrating)
  SELECT "targetVmmId", "instanceId", generation, "nodeId", driver, 'scheduled', true FROM plan
), held AS (
  INSERT INTO reservation (id, vmm_id, instance_id, node_id, state, cpu_millis, memory_mib, disk_gib)
  SELECT gen_random_uuid(), "targetVmmId", "instanceId", "nodeId", 'target', "cpuMillis", "memoryMib", "diskGib"
  FROM plan
), begun AS (
  INSERT INTO migration (id, instance_id, source_vmm_id, target_vmm_id, state, reason, operation_id)
  SELECT gen_random_uuid(), "instanceId", "sourceVmmId", "targetVmmId", 'planned', '', "operationId" FROM plan
), decided AS (
  INSERT INTO decision (instance_id, operation_id, generation, outcome, node_id, policy, explanation)
  SELECT "instanceId", "operationId", generation, 'placed', "nodeId", policy, explanation FROM plan
), told AS (
  INSERT INTO event (kind, project_id, instance_id, node_id, operation_id, message)
  SELECT 'InstanceMigrating', project_id, "instanceId", "nodeId", "operationId", name || ' moves to ' || node FROM plan
)
UPDATE operation o
SET stage = 'dispatch', state = 'running', vmm_id = p."targetVmmId", node_id = p."nodeId", generation = p.generation,
    progress_percent = 5, placed_at = clock_timestamp(), next_attempt_at = now(), updated_at = now()
FROM plan p WHERE o.id = p."operationId"`;

const end = (vmm: string, node: string, more = ''): string =>
  `jsonb_build_object('workerId', ${node}.worker_id, 'nodeId', ${node}.id, 'leaseId', ${node}.lease_id,
     'vmmId', ${vmm}.id, 'generation', ${vmm}.generation${more})`;

const claim = `
WITH due AS (
  SELECT id FROM operation
  WHERE stage IN ('dispatch', 'node') AND next_attempt_at <= now() AND kind = 'migrate-instance'
  ORDER BY next_attempt_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
  UPDATE operation o
  SET stage = 'node', attempts = o.attempts + 1, updated_at = now(),
      next_attempt_at = now() + make_interval(secs => $2), dispatched_at = coalesce(o.dispatched_at, clock_timestamp())
  FROM due WHERE o.id = due.id RETURNING o.*
)
SELECT o.id AS "operationId", o.attempts AS attempt,
       CASE WHEN g.state = 'planned' THEN 'prepare' WHEN g.state = 'succeeded' THEN 'finish'
            WHEN g.cancelled_at IS NOT NULL AND g.switched_at IS NULL THEN 'cancel' ELSE 'send' END AS step,
       i.id AS "instanceId", i.name AS "instanceName", p.name AS project, t.driver, i.vcpus,
       i.memory_mib AS "memoryMib", i.disk_gib AS "diskGib", i.on_isolation AS "onIsolation", ${imageContents},
       ${guestAccess},
       ${end('s', 'sn', ", 'certificate', sn.certificate, 'agentUrl', sn.agent_url")} AS source,
       ${end('t', 'tn', ", 'agentUrl', tn.agent_url")} AS target,
       g.address, o.limits
FROM claimed o
JOIN migration g ON g.operation_id = o.id AND g.state <> 'failed'
JOIN instance i ON i.id = o.instance_id
JOIN project p ON p.id = i.project_id
JOIN image m ON m.id = i.image_id
LEFT JOIN image k ON k.id = i.rescue_image_id
JOIN vmm s ON s.id = g.source_vmm_id JOIN node sn ON sn.id = s.node_id
JOIN vmm t ON t.id = g.target_vmm_id AND t.state <> 'gone' JOIN node tn ON tn.id = t.node_id`;

const loose = `
SELECT 'waiting' AS kind, n.worker_id AS "workerId", n.id AS "nodeId", n.lease_id AS "leaseId", v.id AS "vmmId",
       v.instance_id AS "instanceId", v.generation
FROM vmm v JOIN node n ON n.id = v.node_id
JOIN migration g ON g.target_vmm_id = v.id JOIN operation o ON o.id = g.operation_id
WHERE v.migrating AND v.state <> 'gone' AND n.state = 'up'
  AND (o.ended_at IS NOT NULL OR g.cancelled_at < now() - interval '15 seconds')
UNION ALL
SELECT 'left', n.worker_id, n.id, n.lease_id, v.id, v.instance_id, v.generation
FROM migration g JOIN vmm v ON v.id = g.source_vmm_id AND v.state <> 'gone' JOIN node n ON n.id = v.node_id
WHERE g.state = 'failed' AND NOT g.settled AND n.state = 'up' LIMIT $1`;

/** From asked for to a target that waits, to a guest that has left. How it ends, `endMigrations` says. */
export class MigrationRepository {
  constructor(private readonly database: Database) {}

  pending<C extends object>(limit: number): Promise<PendingMigration<C>[]> {
    return this.database.query(pending, [limit]);
  }

  /** Checks node and source again, then writes the target vmm, its reservation and the migration. */
  async plan(planned: readonly PlannedMigration[]): Promise<number> {
    if (planned.length === 0) return 0;
    const count = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        planned.map(({ instanceId }) => instanceId),
      );
      const ids = [planned.map(({ operationId }) => operationId), planned.map(({ sourceVmmId }) => sourceVmmId)];
      const open = new Set((await on.query<{ id: string }>(stillPending, ids)).map(({ id }) => id));
      const wanted = planned.filter(({ operationId }) => open.has(operationId));
      const granted = await reserveOnNodes(on, wanted);
      const rows = wanted.filter(({ nodeId }) => granted.has(nodeId)).map(withTarget);
      if (rows.length > 0) await on.query(record, [JSON.stringify(rows)]);
      return rows.length;
    });
    this.database.notify('event');
    return count;
  }

  /** No node takes them. */
  async refuse(refused: readonly { operationId: string; problem: Problem }[]): Promise<EndedOperation[]> {
    if (refused.length === 0) return [];
    const ends = refused.map((one) => ({ ...one, state: 'failed' as const }));
    return tellMoved(this.database, await this.database.transaction((on) => endOperations(on, ends)));
  }

  claim<S extends object>(limit: number, againAfterMs: number): Promise<DueMigration<S>[]> {
    return this.database.query(claim, [limit, againAfterMs / 1000]);
  }

  looseEnds(limit: number): Promise<LooseEnd[]> {
    return this.database.query(loose, [limit]);
  }
}

function withTarget(planned: PlannedMigration): PlannedMigration & { targetVmmId: string } {
  return { ...planned, targetVmmId: randomUUID() };
}
