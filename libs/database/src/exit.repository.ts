import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import {
  factsOfExits,
  factsWithoutVmm,
  type DecideExit,
  type Failover,
  type ExitFacts,
  type ExitOutcome,
  type VmmExit,
} from './exit-facts.js';
import { lockInstances } from './instance-lock.js';
import { forgetSeeds } from './instance-seed.repository.js';
import { endMigrations } from './migration-end.js';
import { endOperations, type EndedOperation } from './operation-end.js';
import { releaseQuota } from './quota.js';
import { applyResizes } from './resize-end.js';
import type { Session } from './session.js';

export interface AppliedExits {
  /** Vmms that are gone by this call; the others were gone before. */
  readonly gone: ReadonlySet<string>;
  readonly ended: readonly EndedOperation[];
  readonly failovers: readonly Failover[];
}

/** Gone, with its fence, and what it held of its node free again. */
const bury = `
WITH exits AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS e ("vmmId" uuid, reason text, detail text, method text)
), fenced AS (
  INSERT INTO fence (id, vmm_id, node_id, method, evidence)
  SELECT gen_random_uuid(), v.id, v.node_id, e.method, jsonb_build_object('reason', e.reason, 'detail', e.detail)
  FROM exits e JOIN vmm v ON v.id = e."vmmId"
  ON CONFLICT (vmm_id) DO NOTHING
), gone AS (
  UPDATE vmm v
  SET state = 'gone', exit_reason = e.reason, exit_detail = e.detail, gone_at = now(), observed_at = now(),
      used_cpu_millis = 0, used_memory_mib = 0
  FROM exits e WHERE v.id = e."vmmId" AND v.state <> 'gone' RETURNING v.id
)
UPDATE reservation r SET state = 'released', released_at = now()
FROM gone WHERE r.vmm_id = gone.id AND r.state <> 'released'
RETURNING r.node_id AS "nodeId", r.cpu_millis AS "cpuMillis", r.memory_mib AS "memoryMib", r.disk_gib AS "diskGib"`;

const giveBack = `
WITH freed AS (
  SELECT "nodeId" AS id, sum("cpuMillis") AS cpu, sum("memoryMib") AS memory, sum("diskGib") AS disk
  FROM jsonb_to_recordset($1::jsonb) AS f ("nodeId" uuid, "cpuMillis" int, "memoryMib" int, "diskGib" int) GROUP BY 1
), locked AS (SELECT id FROM node WHERE id IN (SELECT id FROM freed) ORDER BY id FOR NO KEY UPDATE)
UPDATE node n
SET allocated_cpu_millis = n.allocated_cpu_millis - f.cpu, allocated_memory_mib = n.allocated_memory_mib - f.memory,
    allocated_disk_gib = n.allocated_disk_gib - f.disk
FROM freed f JOIN locked USING (id) WHERE n.id = f.id`;

/** Compare-and-set on what the decision saw. */
const changeInstances = `
UPDATE instance i
SET state = c.state, reason = c.reason, desired_state = coalesce(c."desiredState", i.desired_state),
    restart_count = coalesce(c."restartCount", i.restart_count),
    failed_drivers = CASE WHEN c.state = 'stopped' THEN '{}' WHEN c."failedDriver" IS NULL THEN i.failed_drivers
                          ELSE array_append(i.failed_drivers, c."failedDriver") END,
    saved_vmm_id = CASE c.state WHEN 'suspended' THEN coalesce(i.saved_vmm_id, (
      SELECT v.id FROM vmm v WHERE v.instance_id = i.id AND v.exit_reason = 'suspended'
      ORDER BY v.generation DESC LIMIT 1))
      WHEN 'stopped' THEN NULL WHEN 'deleted' THEN NULL ELSE i.saved_vmm_id END,
    restart_after = now() + make_interval(secs => c."restartAfterMs" / 1000),
    node_id = CASE c.state WHEN 'pending' THEN i.node_id END, deleted_at = CASE c.state WHEN 'deleted' THEN now() END,
      updated_at = now()
FROM jsonb_to_recordset($1::jsonb) AS c (
  id uuid, seen text, generation int, state text, reason text, "desiredState" text, "restartCount" int,
    "restartAfterMs" float8, "failedDriver" text)
WHERE i.id = c.id AND i.state = c.seen AND i.generation = c.generation`;

const again = `
UPDATE operation
SET stage = 'place', state = 'pending', vmm_id = NULL, node_id = NULL, generation = NULL, placed_at = NULL,
  dispatched_at = NULL,
    next_attempt_at = now(), updated_at = now(), progress_percent = 10
WHERE id = ANY($1::uuid[]) AND ended_at IS NULL`;

const idle = `
SELECT o.instance_id AS id FROM operation o
WHERE o.stage IN ('dispatch', 'node') AND o.next_attempt_at <= now() AND o.kind <> 'drain-node'
  AND NOT EXISTS (SELECT FROM vmm v WHERE v.instance_id = o.instance_id AND v.state <> 'gone')
LIMIT $1`;

/**
 * The end of vmms, and what follows from it for their instances and operations: decided by the caller's rule, inside
 * the transaction.
 */
export class ExitRepository {
  constructor(
    private readonly database: Database,
    private readonly decide: DecideExit,
  ) {}

  /** Reports may be doubled and late: one of a vmm that is gone, or of another generation, changes nothing. */
  async apply(exits: readonly VmmExit[]): Promise<AppliedExits> {
    if (exits.length === 0) return { gone: new Set(), ended: [], failovers: [] };
    const applied = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        exits.map(({ instanceId }) => instanceId),
      );
      const live = await factsOfExits(on, exits);
      const gone = new Set(live.map(({ vmmId }) => vmmId));
      await releaseVmms(
        on,
        exits.filter(({ vmmId }) => gone.has(vmmId)),
      );
      const migrations = await endMigrations(on, [...gone]);
      const resized = await applyResizes(on, [...gone]);
      const goesOn = (id: string): boolean => migrations.promoted.has(id) || resized.has(id);
      const facts = live.map((one) => one.facts).filter(({ instance }) => !goesOn(instance.id));
      const followed = await this.follow(on, facts);
      return { gone, resized, ...followed, ended: [...migrations.ended, ...followed.ended] };
    });
    if (applied.gone.size > 0) this.tell(applied.ended);
    if (applied.resized.size > 0) this.database.notify('dispatch');
    return applied;
  }

  /** Ends operations that would stop, delete or move a vmm where there is none. */
  async settle(limit: number): Promise<readonly EndedOperation[]> {
    const rows = await this.database.query<{ id: string }>(idle, [limit]);
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(on, ids);
      return (await this.follow(on, await factsWithoutVmm(on, ids))).ended;
    });
    this.tell(ended);
    return ended;
  }

  private async follow(on: Session, facts: readonly ExitFacts[]): Promise<Omit<AppliedExits, 'gone'>> {
    const decided = facts.map((fact) => ({ fact, outcome: this.decide(fact) }));
    const changes = decided.flatMap(({ fact, outcome }) =>
      outcome.instance ? [changeOf(fact, outcome.instance)] : [],
    );
    if (changes.length > 0) await on.query(changeInstances, [JSON.stringify(changes)]);
    const deleted = changes.filter(({ state }) => state === 'deleted').map(({ id }) => id);
    await releaseQuota(on, deleted);
    await forgetSeeds(on, deleted);
    await recordEvents(
      on,
      decided.flatMap(({ fact, outcome }) =>
        outcome.event ? [{ ...outcome.event, instanceId: fact.instance.id }] : [],
      ),
    );
    const repeated = decided.flatMap(({ fact, outcome }) =>
      outcome.operation === 'again' ? [fact.operation!.id] : [],
    );
    if (repeated.length > 0) await on.query(again, [repeated]);
    const ended = await endOperations(
      on,
      decided.flatMap(({ fact, outcome: { operation } }) =>
        operation === undefined || operation === 'again' ? [] : [{ operationId: fact.operation!.id, ...operation }],
      ),
    );
    return { ended, failovers: decided.flatMap(({ outcome }) => outcome.failover ?? []) };
  }

  private tell(ended: readonly EndedOperation[]): void {
    for (const { operationId } of ended) this.database.notify('operation', operationId);
    this.database.notify('event');
    this.database.notify('node');
    this.database.notify('migrate');
    this.database.notify('reconcile');
  }
}

async function releaseVmms(on: Session, exits: readonly VmmExit[]): Promise<void> {
  if (exits.length === 0) return;
  const freed = await on.query(bury, [JSON.stringify(exits)]);
  const fenced = exits.filter(({ method }) => method !== 'node-reported');
  await recordEvents(
    on,
    fenced.map(({ instanceId, detail }) => ({ kind: 'VmmFenced', instanceId, message: `given up: ${detail}` })),
  );
  if (freed.length > 0) await on.query(giveBack, [JSON.stringify(freed)]);
}

function changeOf({ instance }: ExitFacts, change: NonNullable<ExitOutcome['instance']>) {
  return { id: instance.id, seen: instance.state, generation: instance.generation, ...change };
}
