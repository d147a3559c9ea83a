import { randomUUID } from 'node:crypto';
import type { Firmware, ImageArchitecture } from '@berth/domain/image-state.js';
import { nodeLabel, type EngineDriverName } from '@berth/domain/node-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import type { Amounts } from './fleet.repository.js';
import { lockInstances } from './instance-lock.js';
import { nextGeneration, reserveOnNodes } from './node-capacity.js';
import { endOperations, tellEnded, type EndedOperation } from './operation-end.js';
import type { Session } from './session.js';

/** An instance that waits for a node. `C` is the contract of its constraints. */
export interface PendingPlacement<C extends object> {
  readonly operationId: string;
  readonly initiator: string;
  readonly id: string;
  readonly projectId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  /** Instances asked for in one request. */
  readonly batchSize: number;
  readonly constraints: C;
  /** Of the image it boots from. */
  readonly architecture: ImageArchitecture;
  readonly firmware: Firmware;
  /** Engines that failed it. */
  readonly failedDrivers: readonly EngineDriverName[];
  /** Since the operation was accepted, by the database clock. */
  readonly waitedMs: number;
}

/** A place proposed for an instance; the commit may refuse it. */
export interface ProposedPlacement extends Amounts {
  readonly operationId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly node: string;
  readonly driver: string;
  readonly policy: string;
  readonly explanation: object;
  /** When the decision began, since the operation was accepted. */
  readonly queuedMs: number;
}

/** No node fits for now. */
export interface Unplaced {
  readonly operationId: string;
  readonly instanceId: string;
  readonly policy: string;
  readonly explanation: object;
  readonly sentence: string;
  readonly retryAfterMs: number;
}

export interface CommitOutcome {
  readonly committed: readonly ProposedPlacement[];
  /** The node was taken, cordoned or lost meanwhile: they wait for the next round. */
  readonly refused: readonly ProposedPlacement[];
}

/**
 * Projects take turns: what one asks for at once does not keep the others waiting. What has run from a disk of its own
 * goes back to the node that has it, or nowhere: the last on which it was ready, or to which it was moved. One whose
 * memory was kept, or that starts from a snapshot, goes to where that is, and to the engine that kept it; clones wait
 * until there is one. One that gets a new disk goes elsewhere when its node cannot take it; one that is rescued goes to
 * its disk, be it one that never made it ready. One that ran before it was resized is not given up for want of room: it
 * waits as what loops ask for.
 */
const pending = `
WITH due AS (
  SELECT *, row_number() OVER (PARTITION BY project_id ORDER BY next_attempt_at, created_at) AS turn
  FROM operation o WHERE stage = 'place' AND next_attempt_at <= now() AND kind <> 'migrate-instance'
    AND (kind <> 'clone-instance' OR EXISTS (SELECT FROM snapshot s WHERE s.id = o.snapshot_id AND s.state = 'ready'))
    AND (kind <> 'resize-instance' OR EXISTS (
      SELECT FROM resize z WHERE z.operation_id = o.id AND z.applied_at IS NOT NULL))
)
SELECT o.id AS "operationId", CASE o.kind WHEN 'resize-instance' THEN 'resize' ELSE o.initiator END AS initiator,
       i.id, i.project_id AS "projectId", i.vcpus, i.memory_mib AS "memoryMib",
       i.disk_gib AS "diskGib", i.batch_size AS "batchSize", i.failed_drivers AS "failedDrivers",
       boot.architecture, boot.firmware,
       (extract(epoch FROM clock_timestamp() - o.created_at) * 1000)::float8 AS "waitedMs",
       CASE WHEN holder.name IS NULL THEN i.constraints ELSE i.constraints || jsonb_build_object('nodeSelector',
         coalesce(i.constraints -> 'nodeSelector', '{}') || jsonb_build_object('${nodeLabel}', holder.name)) END
         || CASE WHEN kept.driver IS NULL THEN '{}'
            ELSE jsonb_build_object('drivers', jsonb_build_array(kept.driver)) END
         AS constraints
FROM due o JOIN instance i ON i.id = o.instance_id JOIN image m ON m.id = i.image_id
JOIN image boot ON boot.id = coalesce(i.rescue_image_id, i.image_id)
LEFT JOIN snapshot s ON s.id = o.snapshot_id
LEFT JOIN vmm saved ON saved.id = i.saved_vmm_id AND s.id IS NULL
CROSS JOIN LATERAL (SELECT coalesce(s.driver, saved.driver) AS driver) kept
LEFT JOIN LATERAL (
  SELECT n.name FROM vmm v JOIN node n ON n.id = v.node_id
  WHERE v.instance_id = i.id AND s.id IS NULL AND (v.id = saved.id OR saved.id IS NULL
    AND m.format <> 'kernel-initrd' AND (v.ready_at IS NOT NULL OR v.exit_reason IS DISTINCT FROM 'migration-failed'
      AND CASE WHEN i.rescue_image_id IS NULL
          THEN EXISTS (SELECT FROM migration g WHERE g.target_vmm_id = v.id AND g.state = 'succeeded')
          ELSE NOT EXISTS (SELECT FROM migration g WHERE g.target_vmm_id = v.id AND g.state <> 'succeeded') END))
    AND NOT (o.kind = 'rebuild-instance' AND EXISTS (SELECT FROM decision d
      WHERE d.instance_id = i.id AND d.operation_id = o.id AND d.outcome = 'unplaceable'))
  ORDER BY v.generation DESC LIMIT 1
) ran ON true
LEFT JOIN node keeper ON keeper.id = s.node_id
CROSS JOIN LATERAL (SELECT coalesce(keeper.name, ran.name) AS name) holder
ORDER BY o.turn, o.next_attempt_at LIMIT $1`;

const stillPending = `
SELECT o.id FROM operation o JOIN instance i ON i.id = o.instance_id
WHERE o.id = ANY($1::uuid[]) AND o.stage = 'place' AND i.state = 'pending'`;

const record = `
WITH plan AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS p (
    "operationId" uuid, "instanceId" uuid, "vmmId" uuid, "reservationId" uuid, "nodeId" uuid, node text, driver text,
    "cpuMillis" int, "memoryMib" int, "diskGib" int, policy text, explanation jsonb, "queuedMs" float8)
), started AS (
  UPDATE instance i
  SET state = 'starting', generation = ${nextGeneration('i')}, node_id = p."nodeId", reason = 'starts on ' || p.node,
      restart_after = NULL, updated_at = now()
  FROM plan p WHERE i.id = p."instanceId" RETURNING i.id, i.generation, i.project_id, i.name
), made AS (
  INSERT INTO vmm (id, instance_id, generation, node_id, driver, state)
  SELECT p."vmmId", s.id, s.generation, p."nodeId", p.driver, 'scheduled'
  FROM plan p JOIN started s ON s.id = p."instanceId"
), held AS (
  INSERT INTO reservation (id, vmm_id, instance_id, node_id, state, cpu_millis, memory_mib, disk_gib)
  SELECT "reservationId", "vmmId", "instanceId", "nodeId", 'active', "cpuMillis", "memoryMib", "diskGib" FROM plan
), decided AS (
  INSERT INTO decision (instance_id, operation_id, generation, outcome, node_id, policy, explanation)
  SELECT p."instanceId", p."operationId", s.generation, 'placed', p."nodeId", p.policy, p.explanation
  FROM plan p JOIN started s ON s.id = p."instanceId"
), told AS (
  INSERT INTO event (kind, project_id, instance_id, node_id, operation_id, message)
  SELECT 'InstancePlaced', s.project_id, s.id, p."nodeId", p."operationId", s.name || ' placed on ' || p.node
  FROM plan p JOIN started s ON s.id = p."instanceId"
)
UPDATE operation o
SET stage = 'dispatch', state = 'running', vmm_id = p."vmmId", node_id = p."nodeId", generation = s.generation,
    progress_percent = 30, placed_at = clock_timestamp(), next_attempt_at = now(), updated_at = now(),
    timeline = jsonb_build_array(
      jsonb_build_object('phase', 'queued', 'offsetMs', round(p."queuedMs")),
      jsonb_build_object('phase', 'placed',
                         'offsetMs', round(extract(epoch FROM clock_timestamp() - o.created_at) * 1000)))
FROM plan p JOIN started s ON s.id = p."instanceId" WHERE o.id = p."operationId"`;

/** The decision and its event are written when the answer changes, not at every try. */
const postpone = `
WITH unplaced AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS u (
    "operationId" uuid, "instanceId" uuid, policy text, explanation jsonb, sentence text, "retryAfterMs" float8)
), waiting AS (
  UPDATE operation o SET next_attempt_at = now() + make_interval(secs => u."retryAfterMs" / 1000), updated_at = now()
  FROM unplaced u WHERE o.id = u."operationId" AND o.stage = 'place'
), changed AS (
  UPDATE instance i SET reason = u.sentence, updated_at = now()
  FROM unplaced u WHERE i.id = u."instanceId" AND i.state = 'pending' AND i.reason IS DISTINCT FROM u.sentence
  RETURNING i.id, i.project_id, i.name
), decided AS (
  INSERT INTO decision (instance_id, operation_id, outcome, policy, explanation)
  SELECT u."instanceId", u."operationId", 'unplaceable', u.policy, u.explanation
  FROM unplaced u JOIN changed c ON c.id = u."instanceId"
)
INSERT INTO event (kind, project_id, instance_id, operation_id, message)
SELECT 'InstanceUnplaceable', c.project_id, c.id, u."operationId", u.sentence
FROM unplaced u JOIN changed c ON c.id = u."instanceId"`;

const giveUp = `
UPDATE instance SET state = CASE WHEN saved_vmm_id IS NULL THEN 'failed' ELSE 'suspended' END, reason = g.reason,
  desired_state = CASE WHEN saved_vmm_id IS NULL THEN desired_state ELSE 'suspended' END, updated_at = now()
FROM unnest($1::uuid[], $2::text[]) AS g (id, reason) WHERE instance.id = g.id AND state = 'pending'`;

const wake = `UPDATE operation SET next_attempt_at = now() WHERE stage = 'place' AND next_attempt_at > now()`;

/** From accepted to placed. */
export class PlacementRepository {
  constructor(private readonly database: Database) {}

  /** Those whose time has come, longest due first, projects in turn. */
  pending<C extends object>(limit: number): Promise<PendingPlacement<C>[]> {
    return this.database.query(pending, [limit]);
  }

  /**
   * Checks each node again and writes what it can take: vmm with the next generation, reservation, decision, dispatch.
   */
  async commit(plan: readonly ProposedPlacement[]): Promise<CommitOutcome> {
    if (plan.length === 0) return { committed: [], refused: [] };
    const outcome = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        plan.map(({ instanceId }) => instanceId),
      );
      const rows = await on.query<{ id: string }>(stillPending, [plan.map(({ operationId }) => operationId)]);
      const open = new Set(rows.map(({ id }) => id));
      const wanted = plan.filter(({ operationId }) => open.has(operationId));
      const granted = await reserveOnNodes(on, wanted);
      const committed = wanted.filter(({ nodeId }) => granted.has(nodeId));
      if (committed.length > 0) await on.query(record, [JSON.stringify(committed.map(withIds))]);
      return { committed, refused: wanted.filter(({ nodeId }) => !granted.has(nodeId)) };
    });
    this.database.notify('event');
    return outcome;
  }

  async postpone(unplaced: readonly Unplaced[]): Promise<void> {
    if (unplaced.length === 0) return;
    await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        unplaced.map(({ instanceId }) => instanceId),
      );
      await on.query(postpone, [JSON.stringify(unplaced)]);
    });
    this.database.notify('event');
  }

  /** Ends operations that waited long enough, and with them the instance's hope. */
  async fail(
    failed: readonly { operationId: string; instanceId: string; problem: Problem }[],
  ): Promise<EndedOperation[]> {
    if (failed.length === 0) return [];
    const ended = await this.database.transaction((on) => failTogether(on, failed));
    this.database.notify('event');
    return tellEnded(this.database, ended);
  }

  /** Capacity has changed: those that were put off are due now. */
  async wake(): Promise<void> {
    await this.database.query(wake);
  }
}

async function failTogether(
  on: Session,
  failed: readonly { operationId: string; instanceId: string; problem: Problem }[],
): Promise<EndedOperation[]> {
  await lockInstances(
    on,
    failed.map(({ instanceId }) => instanceId),
  );
  const rows = await on.query<{ id: string }>(stillPending, [failed.map(({ operationId }) => operationId)]);
  const open = new Set(rows.map(({ id }) => id));
  const ending = failed.filter(({ operationId }) => open.has(operationId));
  await on.query(giveUp, [ending.map(({ instanceId }) => instanceId), ending.map(({ problem }) => problem.detail)]);
  await recordEvents(
    on,
    ending.map(({ instanceId, operationId, problem }) => ({
      kind: 'InstanceFailed',
      instanceId,
      operationId,
      message: problem.detail,
    })),
  );
  return endOperations(
    on,
    ending.map(({ operationId, problem }) => ({ operationId, problem, state: 'failed' as const })),
  );
}

function withIds(placement: ProposedPlacement): ProposedPlacement & { vmmId: string; reservationId: string } {
  return { ...placement, vmmId: randomUUID(), reservationId: randomUUID() };
}
