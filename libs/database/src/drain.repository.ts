import type { InstanceState } from '@berth/domain/instance-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, type EndedOperation } from './operation-end.js';
import { openOperations } from './reconcile.repository.js';

/** Something that still lives on a node that is to become empty. `C` is the contract of its constraints. */
export interface Remaining<C extends object> {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly state: InstanceState;
  readonly generation: number;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly constraints: C;
  /** Somebody is at work on it: a move, or whatever its user asked for. */
  readonly isBusy: boolean;
  /** Its writable disk lies on the node, and nowhere else: it moves along, or stays. */
  readonly hasDisk: boolean;
  /** Somebody called its move off since the drain began. */
  readonly isKept: boolean;
  /** It may be moved while it runs: its engine can, and it has not failed to since the drain began. */
  readonly canMigrate: boolean;
}

export interface DrainResult {
  readonly total: number;
  readonly moved: number;
  /** Those that can go nowhere now, and why. */
  readonly blocked: readonly { readonly instance: string; readonly why: string }[];
}

/** A drain that goes on. */
export interface OpenDrain<C extends object> {
  readonly operationId: string;
  readonly nodeId: string;
  readonly node: string;
  /** As it was last written; null: it has just begun. */
  readonly result: DrainResult | null;
  /** Since anything changed about it. */
  readonly idleMs: number;
  readonly remaining: readonly Remaining<C>[];
}

/** What a drain does next. */
export interface DrainStep {
  readonly moves: readonly {
    readonly id: string;
    readonly state: InstanceState;
    readonly generation: number;
    readonly canMigrate: boolean;
  }[];
  readonly result: DrainResult;
  readonly end?: { readonly state: 'succeeded' | 'failed'; readonly problem?: Problem };
}

const drains = `
SELECT o.id AS "operationId", n.id AS "nodeId", n.name AS node, o.result,
       (extract(epoch FROM now() - o.updated_at) * 1000)::float8 AS "idleMs",
       coalesce((
         SELECT jsonb_agg(jsonb_build_object(
           'id', i.id, 'name', i.name, 'projectId', i.project_id, 'state', i.state, 'generation', i.generation,
             'vcpus', i.vcpus,
           'memoryMib', i.memory_mib, 'diskGib', i.disk_gib, 'constraints', i.constraints,
           'hasDisk', m.format <> 'kernel-initrd',
           'canMigrate', NOT EXISTS (
             SELECT FROM operation f WHERE f.instance_id = i.id AND f.kind = 'migrate-instance' AND f.state = 'failed'
               AND f.created_at >= o.created_at),
           'isKept', EXISTS (
             SELECT FROM operation c WHERE c.instance_id = i.id AND c.kind = 'migrate-instance'
               AND c.state = 'cancelled' AND c.result -> 'overtakenBy' IS NULL AND c.created_at >= o.created_at),
           'isBusy', EXISTS (SELECT FROM operation b WHERE b.instance_id = i.id AND b.ended_at IS NULL))
             ORDER BY i.memory_mib DESC, i.name)
         FROM vmm v JOIN instance i ON i.id = v.instance_id JOIN image m ON m.id = i.image_id
         WHERE v.node_id = n.id AND v.state <> 'gone' AND NOT v.migrating
       ), '[]') AS remaining
FROM operation o JOIN node n ON n.id = o.node_id
WHERE o.kind = 'drain-node' AND o.ended_at IS NULL`;

const show = `
UPDATE operation SET state = 'running', result = $2::jsonb, progress_percent = $3, updated_at = now()
WHERE id = $1 AND ended_at IS NULL AND (state = 'pending' OR result IS DISTINCT FROM $2::jsonb)`;

const calm = `UPDATE node SET draining = false WHERE id = $1`;

const live = { kind: 'migrate-instance', stage: 'place' } as const;
const stopAndStart = { kind: 'move-instance', stage: 'dispatch' } as const;

/** Making nodes empty. */
export class DrainRepository {
  constructor(private readonly database: Database) {}

  open<C extends object>(): Promise<OpenDrain<C>[]> {
    return this.database.query(drains);
  }

  /** Resolves to the drain when this step has ended it. */
  async take(drain: OpenDrain<object>, { moves, result, end }: DrainStep): Promise<EndedOperation[]> {
    const { operationId, nodeId, node } = drain;
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        moves.map(({ id }) => id),
      );
      await openOperations(
        on,
        moves.map(({ id, state, generation, canMigrate }) => ({
          instanceId: id,
          seen: { state, generation },
          ...(canMigrate ? live : stopAndStart),
          initiator: 'drain',
          state,
          reason: `moves off node ${node}`,
        })),
      );
      await on.query(show, [operationId, JSON.stringify(result), progressOf(result)]);
      if (end === undefined) return [];
      await on.query(calm, [nodeId]);
      const how = end.state === 'succeeded' ? 'is empty' : 'could not be emptied';
      await recordEvents(on, [{ kind: 'NodeDrained', nodeId, operationId, message: `${node} ${how}` }]);
      return endOperations(on, [{ operationId, result: { ...result }, ...end }]);
    });
    for (const channel of moves.length > 0 ? (['dispatch', 'migrate'] as const) : []) this.database.notify(channel);
    for (const { operationId: id } of ended) this.database.notify('operation', id);
    this.database.notify('event');
    return ended;
  }
}

function progressOf({ total, moved }: DrainResult): number {
  return total === 0 ? 0 : Math.floor((100 * moved) / total);
}
