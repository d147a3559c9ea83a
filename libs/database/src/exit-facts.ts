import type { DesiredState, InstanceState, RestartPolicy } from '@berth/domain/instance-state.js';
import { driversFor, type EngineDriverName } from '@berth/domain/node-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { ExitReason } from '@berth/domain/vmm-state.js';
import type { Session } from './session.js';

/** How it is known that a vmm runs no more. */
export type FenceMethod = 'node-reported' | 'guard-deadline' | 'power-cut' | 'operator';

export interface VmmExit {
  readonly vmmId: string;
  readonly instanceId: string;
  readonly generation: number;
  readonly reason: ExitReason;
  readonly detail: string;
  readonly method: FenceMethod;
  /** Why its start was refused. */
  readonly problem?: Problem;
}

/** All that decides what becomes of an instance whose vmm is gone, or that has none. */
export interface ExitFacts {
  readonly instance: {
    readonly id: string;
    readonly name: string;
    readonly state: InstanceState;
    readonly desiredState: DesiredState;
    readonly restartPolicy: RestartPolicy;
    readonly restartCount: number;
    readonly generation: number;
    /** Its memory is kept: a start goes on from there, or not at all. */
    readonly isSaved: boolean;
  };
  /** Null: there was no live vmm to begin with. */
  readonly exit: {
    readonly reason: ExitReason;
    readonly detail: string;
    readonly problem: Problem | null;
    /** False: a newer generation has taken its place. */
    readonly isCurrent: boolean;
    /** How long its guest was ready; null: never. */
    readonly ranMs: number | null;
    readonly driver: EngineDriverName;
    /** The next one that its node offers and the instance accepts; null: this was the last. */
    readonly nextDriver: EngineDriverName | null;
  } | null;
  /** The open operation of the instance. */
  readonly operation: {
    readonly id: string;
    readonly kind: OperationKind;
    /** It had placed this vmm, and waited for it. */
    readonly startsIt: boolean;
    /** Vmms it has placed so far. */
    readonly startCount: number;
  } | null;
}

/** What is to be written. Left out: stays as it is. */
export interface ExitOutcome {
  readonly instance?: {
    readonly state: InstanceState;
    readonly reason: string | null;
    readonly desiredState?: DesiredState;
    readonly restartCount?: number;
    readonly restartAfterMs?: number;
    /** Not to be used again until it is stopped. */
    readonly failedDriver?: EngineDriverName;
  };
  /** `again`: it goes back to placement. */
  readonly operation?: 'again' | { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly problem?: Problem };
  readonly event?: { readonly kind: string; readonly message: string };
  readonly failover?: Failover;
}

/** An engine failed a guest, and another is to run it. */
export interface Failover {
  readonly from: EngineDriverName;
  readonly to: EngineDriverName;
  readonly reason: ExitReason;
}

export type DecideExit = (facts: ExitFacts) => ExitOutcome;

interface FactRow {
  readonly instanceId: string;
  readonly name: string;
  readonly state: InstanceState;
  readonly desiredState: DesiredState;
  readonly restartPolicy: RestartPolicy;
  readonly restartCount: number;
  readonly generation: number;
  readonly isSaved: boolean;
  readonly vmmId: string | null;
  readonly vmmGeneration: number | null;
  readonly ranMs: number | null;
  readonly driver: EngineDriverName | null;
  readonly offered: readonly EngineDriverName[];
  readonly accepted: readonly EngineDriverName[] | null;
  readonly failed: readonly EngineDriverName[];
  readonly operationId: string | null;
  readonly kind: OperationKind;
  readonly startsIt: boolean | null;
  readonly startCount: number;
}

const columns = `
i.id AS "instanceId", i.name, i.state, i.desired_state AS "desiredState", i.restart_policy AS "restartPolicy",
i.restart_count AS "restartCount", i.generation, i.saved_vmm_id IS NOT NULL AS "isSaved",
  i.constraints -> 'drivers' AS accepted, i.failed_drivers AS failed,
o.id AS "operationId", o.kind,
(SELECT count(*) FROM vmm w WHERE w.instance_id = i.id AND w.created_at >= o.created_at) AS "startCount"`;

const ofVmms = `
SELECT ${columns}, v.id AS "vmmId", v.generation AS "vmmGeneration",
       o.placed_at IS NOT NULL AND o.vmm_id = v.id AS "startsIt",
       (extract(epoch FROM now() - v.ready_at) * 1000)::float8 AS "ranMs", v.driver, n.drivers AS offered
FROM vmm v
JOIN node n ON n.id = v.node_id
JOIN instance i ON i.id = v.instance_id
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
WHERE v.id = ANY($1::uuid[]) AND v.state <> 'gone'`;

const withoutVmm = `
SELECT ${columns}, NULL AS "vmmId", NULL AS "vmmGeneration", false AS "startsIt", NULL AS "ranMs",
       NULL AS driver, ARRAY[]::text[] AS offered
FROM operation o JOIN instance i ON i.id = o.instance_id
WHERE o.instance_id = ANY($1::uuid[]) AND o.stage IN ('dispatch', 'node')
  AND NOT EXISTS (SELECT FROM vmm v WHERE v.instance_id = o.instance_id AND v.state <> 'gone')`;

/** Of those of the vmms that are still live in the record; the others were reported before. */
export async function factsOfExits(
  on: Session,
  exits: readonly VmmExit[],
): Promise<{ vmmId: string; facts: ExitFacts }[]> {
  const exitOf = new Map(exits.map((exit) => [exit.vmmId, exit]));
  const rows = await on.query<FactRow>(ofVmms, [[...exitOf.keys()]]);
  return rows.flatMap((row) => {
    const exit = exitOf.get(row.vmmId!)!;
    return exit.generation === row.vmmGeneration ? [{ vmmId: exit.vmmId, facts: factsOf(row, exit) }] : [];
  });
}

/** Of open operations that act on a vmm where there is none. */
export async function factsWithoutVmm(on: Session, instanceIds: readonly string[]): Promise<ExitFacts[]> {
  const rows = await on.query<FactRow>(withoutVmm, [instanceIds]);
  return rows.map((row) => factsOf(row, null));
}

function factsOf(row: FactRow, exit: VmmExit | null): ExitFacts {
  const { instanceId: id, name, state, desiredState, restartPolicy, restartCount, generation, isSaved, ranMs } = row;
  const isCurrent = row.vmmGeneration === generation;
  return {
    instance: { id, name, state, desiredState, restartPolicy, restartCount, generation, isSaved },
    exit: exit && { ...exitOf(row, exit), isCurrent, ranMs },
    operation: row.operationId === null ? null : operationOf(row, row.operationId),
  };
}

function exitOf({ driver, offered, accepted, failed }: FactRow, { reason, detail, problem }: VmmExit) {
  const worse = offered.slice(offered.indexOf(driver!) + 1);
  const nextDriver = driversFor(worse, accepted ?? undefined, failed)[0] ?? null;
  return { reason, detail, problem: problem ?? null, driver: driver!, nextDriver };
}

function operationOf({ kind, startsIt, startCount }: FactRow, id: string): ExitFacts['operation'] {
  return { id, kind, startsIt: startsIt === true, startCount };
}
