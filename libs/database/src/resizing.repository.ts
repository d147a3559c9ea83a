import type { Firmware, ImageArchitecture } from '@berth/domain/image-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import type { Amounts } from './fleet.repository.js';
import { lockInstances } from './instance-lock.js';
import { reserveOnNodes } from './node-capacity.js';
import { endOperations, tellEnded, type EndedOperation } from './operation-end.js';
import type { VmmReference } from './ready.repository.js';
import type { Session } from './session.js';

/** A running instance that is to be of another size. `C` is the contract of its constraints. */
export interface PendingResize<C extends object> {
  readonly operationId: string;
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** These three as they are to be. */
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly constraints: C;
  readonly architecture: ImageArchitecture;
  readonly firmware: Firmware;
  readonly failedDrivers: readonly EngineDriverName[];
  /** False: its disk grows under it. */
  readonly restarts: boolean;
  /** Its disk is on its node. */
  readonly hasDisk: boolean;
  readonly vmmId: string;
  readonly nodeId: string;
  /** What it holds of that node now. */
  readonly holds: Amounts;
}

export interface PlannedResize {
  readonly operationId: string;
  readonly instanceId: string;
  readonly vmmId: string;
  readonly restarts: boolean;
  /** Where its next vmm will be, or where it grows. */
  readonly nodeId: string;
  readonly driver: EngineDriverName;
  /** All that it will hold there. */
  readonly reserves: Amounts;
  /** The part of it that it does not hold yet: asked of the node now. */
  readonly more: Amounts;
  readonly policy: string;
  readonly explanation: object;
}

export interface GrowthReport extends VmmReference {
  readonly operationId: string;
}

const pending = `
SELECT o.id AS "operationId", i.id, i.name, i.project_id AS "projectId", z.vcpus, z.memory_mib AS "memoryMib",
       z.disk_gib AS "diskGib", i.constraints, m.architecture, m.firmware, i.failed_drivers AS "failedDrivers",
       z.restarts, m.format <> 'kernel-initrd' AS "hasDisk", v.id AS "vmmId", v.node_id AS "nodeId",
       jsonb_build_object('cpuMillis', r.cpu_millis, 'memoryMib', r.memory_mib, 'diskGib', r.disk_gib) AS holds
FROM operation o JOIN resize z ON z.operation_id = o.id AND z.applied_at IS NULL
JOIN instance i ON i.id = o.instance_id AND i.state = 'running' JOIN image m ON m.id = i.image_id
JOIN vmm v ON v.id = o.vmm_id AND v.state = 'running'
JOIN reservation r ON r.vmm_id = v.id AND r.state = 'active'
WHERE o.stage = 'place' AND o.kind = 'resize-instance' AND o.next_attempt_at <= now()
ORDER BY o.created_at LIMIT $1`;

const stillPending = `
SELECT o.id FROM operation o JOIN vmm v ON v.id = o.vmm_id
WHERE o.id = ANY($1::uuid[]) AND o.stage = 'place' AND v.state = 'running'`;

const plan = `
WITH plan AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS p ("operationId" uuid, "instanceId" uuid, "vmmId" uuid, restarts bool,
    "nodeId" uuid, driver text, reserves jsonb, more jsonb, policy text, explanation jsonb)
)`;

/** The room is held for the operation; the vmm that runs holds what it held. */
const hold = `${plan}, kept AS (
  UPDATE resize z SET driver = p.driver, reserved_cpu_millis = (p.reserves ->> 'cpuMillis')::int,
    reserved_memory_mib = (p.reserves ->> 'memoryMib')::int, reserved_disk_gib = (p.reserves ->> 'diskGib')::int
  FROM plan p WHERE z.operation_id = p."operationId"
), held AS (
  INSERT INTO reservation (id, operation_id, instance_id, node_id, state, cpu_millis, memory_mib, disk_gib)
  SELECT gen_random_uuid(), "operationId", "instanceId", "nodeId", 'target', (more ->> 'cpuMillis')::int,
         (more ->> 'memoryMib')::int, (more ->> 'diskGib')::int FROM plan
), decided AS (
  INSERT INTO decision (instance_id, operation_id, outcome, node_id, policy, explanation)
  SELECT "instanceId", "operationId", 'placed', "nodeId", policy, explanation FROM plan
)
UPDATE operation o SET stage = 'dispatch', state = 'running', progress_percent = 20, next_attempt_at = now(),
  updated_at = now()
FROM plan p WHERE o.id = p."operationId"`;

/**
 * A disk only grows, so that the record may be ahead of it: what the node does not do now, the next start does.
 */
const grow = `${plan}, recorded AS (
  UPDATE resize z SET applied_at = now() FROM plan p WHERE z.operation_id = p."operationId"
  RETURNING p."instanceId", z.disk_gib
), shown AS (
  UPDATE instance i SET disk_gib = d.disk_gib, updated_at = now() FROM recorded d WHERE i.id = d."instanceId"
), held AS (
  UPDATE reservation r SET disk_gib = r.disk_gib + (p.more ->> 'diskGib')::int
  FROM plan p WHERE r.vmm_id = p."vmmId" AND r.state = 'active'
)
UPDATE operation o SET stage = 'dispatch', state = 'running', progress_percent = 20, next_attempt_at = now(),
  updated_at = now()
FROM plan p WHERE o.id = p."operationId"`;

const grown = `
SELECT o.id AS "operationId", o.instance_id AS "instanceId", z.result,
       i.name || ': ' || (z.result ->> 'from') || ' becomes ' || (z.result ->> 'to') AS message
FROM operation o JOIN resize z ON z.operation_id = o.id JOIN instance i ON i.id = o.instance_id
WHERE o.id = ANY($1::uuid[]) AND o.kind = 'resize-instance' AND o.ended_at IS NULL`;

interface GrownDisk {
  readonly operationId: string;
  readonly instanceId: string;
  readonly message: string;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Running instances on their way to another size: a place is held first, then the node is asked. */
export class ResizingRepository {
  constructor(private readonly database: Database) {}

  pending<C extends object>(limit: number): Promise<PendingResize<C>[]> {
    return this.database.query(pending, [limit]);
  }

  /** Checks each node and vmm again and holds what they can give. Resolves to how many. */
  async hold(planned: readonly PlannedResize[]): Promise<number> {
    if (planned.length === 0) return 0;
    const count = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        planned.map(({ instanceId }) => instanceId),
      );
      const rows = await on.query<{ id: string }>(stillPending, [planned.map(({ operationId }) => operationId)]);
      const open = new Set(rows.map(({ id }) => id));
      const wanted = planned.filter(({ operationId }) => open.has(operationId));
      const granted = await reserveOnNodes(
        on,
        wanted.map(({ nodeId, more }) => ({ nodeId, ...more })),
      );
      const taken = wanted.filter(({ nodeId }) => granted.has(nodeId));
      for (const [statement, restarts] of [
        [hold, true],
        [grow, false],
      ] as const) {
        const due = taken.filter((one) => one.restarts === restarts);
        if (due.length > 0) await on.query(statement, [JSON.stringify(due)]);
      }
      return taken.length;
    });
    if (count > 0) this.database.notify('dispatch');
    return count;
  }

  /** Nothing of them has changed. */
  async refuse(
    refused: readonly { operationId: string; instanceId: string; problem: Problem }[],
  ): Promise<EndedOperation[]> {
    if (refused.length === 0) return [];
    return this.end(refused, (on) =>
      endOperations(
        on,
        refused.map(({ operationId, problem }) => ({ operationId, problem, state: 'failed' as const })),
      ),
    );
  }

  /** What nodes say of disks that were to grow under their guests. */
  async grown(
    done: readonly GrowthReport[],
    failed: readonly (GrowthReport & { readonly problem: Problem })[],
  ): Promise<EndedOperation[]> {
    if (done.length + failed.length === 0) return [];
    return this.end([...done, ...failed], async (on) => {
      const events = await on.query<GrownDisk>(grown, [done.map(({ operationId }) => operationId)]);
      await recordEvents(
        on,
        events.map(({ result, ...event }) => ({ ...event, detail: result, kind: 'InstanceResized' })),
      );
      return endOperations(on, [
        ...events.map(({ operationId, result }) => ({ operationId, result, state: 'succeeded' as const })),
        ...failed.map(({ operationId, problem }) => ({ operationId, problem, state: 'failed' as const })),
      ]);
    });
  }

  private async end(
    about: readonly { readonly instanceId: string }[],
    work: (on: Session) => Promise<EndedOperation[]>,
  ): Promise<EndedOperation[]> {
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        about.map(({ instanceId }) => instanceId),
      );
      return work(on);
    });
    return tellEnded(this.database, ended);
  }
}
