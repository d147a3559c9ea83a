import { randomUUID } from 'node:crypto';
import type { InstanceState } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { SnapshotState } from '@berth/domain/snapshot-state.js';
import type { Database } from './database.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, type EndedOperation } from './operation-end.js';
import type { Session } from './session.js';
import { openSnapshot } from './snapshot.repository.js';

/** A clone without a snapshot to begin from, and how its source stands. */
export interface WaitingClone {
  readonly operationId: string;
  readonly instanceId: string;
  readonly sourceId: string;
  readonly source: string;
  readonly state: InstanceState;
  readonly openKind: OperationKind | null;
  readonly driver: EngineDriverName | null;
  /** Its size and image are still those of the clone. */
  readonly fits: boolean;
  readonly snapshotCount: number;
  /** Of the snapshot that came to nothing; null: none was asked for yet. */
  readonly snapshotState: SnapshotState | null;
  readonly snapshotReason: string | null;
}

/** `keep`: its source is to be kept as it is now. A problem ends it. */
export type CloneStep = 'wait' | 'keep' | Problem;

const waiting = `
SELECT o.id AS "operationId", o.instance_id AS "instanceId", src.id AS "sourceId", src.name AS source, src.state,
       open.kind AS "openKind", v.driver,
       (src.vcpus, src.memory_mib, src.image_id) = (i.vcpus, i.memory_mib, i.image_id) AS fits,
       (SELECT count(*) FROM snapshot k WHERE k.instance_id = src.id AND k.state IN ('creating', 'ready'))::int
         AS "snapshotCount",
       s.state AS "snapshotState", s.reason AS "snapshotReason"
FROM operation o
JOIN instance i ON i.id = o.instance_id
JOIN instance src ON src.id = i.cloned_from_id
LEFT JOIN snapshot s ON s.id = o.snapshot_id
LEFT JOIN operation open ON open.instance_id = src.id AND open.ended_at IS NULL
LEFT JOIN vmm v ON v.instance_id = src.id AND v.state <> 'gone' AND NOT v.migrating
WHERE o.kind = 'clone-instance' AND o.stage = 'place' AND (s.id IS NULL OR s.state IN ('failed', 'deleted'))
ORDER BY o.created_at LIMIT $1`;

const beginFrom = `UPDATE operation SET snapshot_id = $1, updated_at = now() WHERE id = ANY($2::uuid[])`;

/** All that were to begin from it have begun, or will not any more. */
const release = `
UPDATE snapshot s SET state = 'deleted'
WHERE s.for_clones AND s.state IN ('ready', 'failed')
  AND NOT EXISTS (SELECT FROM operation o WHERE o.ended_at IS NULL AND o.snapshot_id = s.id)`;

/** From accepted to a snapshot of the source: one for all clones of it that wait at the time. */
export class CloneRepository {
  constructor(
    private readonly database: Database,
    private readonly decide: (clone: WaitingClone) => CloneStep,
  ) {}

  /** Resolves to the clones that have a snapshot coming, and to those that ended. */
  async begin(limit: number): Promise<{ kept: number; ended: readonly EndedOperation[] }> {
    const seen = await this.database.query<WaitingClone>(waiting, [limit]);
    if (seen.length === 0) return { kept: 0, ended: [] };
    const outcome = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        seen.flatMap(({ instanceId, sourceId }) => [instanceId, sourceId]),
      );
      const known = new Set(seen.map(({ operationId }) => operationId));
      const clones = await on.query<WaitingClone>(waiting, [limit]);
      return this.step(
        on,
        clones.filter(({ operationId }) => known.has(operationId)),
      );
    });
    for (const { operationId } of outcome.ended) this.database.notify('operation', operationId);
    this.database.notify('dispatch');
    this.database.notify('event');
    this.database.notify('reconcile');
    return outcome;
  }

  /** Their nodes then remove the files. */
  async release(): Promise<void> {
    await this.database.query(release);
  }

  private async step(on: Session, clones: readonly WaitingClone[]) {
    const decided = clones.map((clone) => ({ clone, step: this.decide(clone) }));
    const keeping = decided.flatMap(({ clone, step }) => (step === 'keep' ? [clone] : []));
    for (const instanceId of new Set(keeping.map(({ sourceId }) => sourceId))) {
      const ofSource = keeping.filter(({ sourceId }) => sourceId === instanceId);
      const id = randomUUID();
      const named = { instanceId, operationId: randomUUID(), id, name: `clones-${id.slice(0, 8)}` };
      await openSnapshot(on, named, true);
      await on.query(beginFrom, [id, ofSource.map(({ operationId }) => operationId)]);
    }
    const ended = await endOperations(
      on,
      decided.flatMap(({ clone: { operationId }, step }) =>
        typeof step === 'string' ? [] : [{ operationId, state: 'failed' as const, problem: step }],
      ),
    );
    return { kept: keeping.length, ended };
  }
}
