import { instanceTransitions } from '@berth/domain/instance-state.js';
import type { Problem } from '@berth/domain/problem.js';
import { sourcesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations, tellEnded, type EndedOperation } from './operation-end.js';
import type { VmmReference } from './ready.repository.js';
import type { Session } from './session.js';

export interface PauseReport extends VmmReference {
  readonly operationId: string;
}

/** Of an operation that has ended, nothing is believed: another one may have undone it since. */
const move = `
WITH moved AS (
  UPDATE vmm v SET state = $2, observed_at = now()
  FROM jsonb_to_recordset($1::jsonb) AS r ("vmmId" uuid, generation int, "operationId" uuid)
  JOIN operation o ON o.id = r."operationId" AND o.ended_at IS NULL AND o.kind = $3
  WHERE v.id = r."vmmId" AND v.generation = r.generation AND v.instance_id = o.instance_id AND v.state = ANY($4)
  RETURNING v.instance_id, v.generation, v.node_id, o.id AS operation_id
), shown AS (
  UPDATE instance i SET state = $2, reason = NULL, updated_at = now()
  FROM moved m WHERE i.id = m.instance_id AND i.generation = m.generation AND i.state = ANY($5)
)
SELECT m.operation_id AS "operationId", m.instance_id AS "instanceId", m.node_id AS "nodeId", i.name
FROM moved m JOIN instance i ON i.id = m.instance_id`;

interface Moved {
  readonly operationId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly name: string;
}

/** It stays as it was, and nobody tries again by himself. */
const keepAsItIs = `
UPDATE instance i SET desired_state = CASE i.state WHEN 'paused' THEN 'paused' ELSE 'running' END, updated_at = now()
FROM operation o WHERE o.id = ANY($1::uuid[]) AND o.ended_at IS NULL AND o.kind = 'suspend-instance'
  AND i.id = o.instance_id AND i.desired_state = 'suspended'
RETURNING o.id AS "operationId"`;

const ways = {
  paused: { kind: 'pause-instance', event: 'InstancePaused', says: 'is paused' },
  running: { kind: 'resume-instance', event: 'InstanceResumed', says: 'goes on' },
} as const;

/** Guests that stand still, or go on, because their owners asked for it. */
export class PauseRepository {
  constructor(private readonly database: Database) {}

  /** Reports may be doubled and late. Resolves to the operations that ended. */
  async apply(paused: readonly PauseReport[], resumed: readonly PauseReport[]): Promise<readonly EndedOperation[]> {
    if (paused.length + resumed.length === 0) return [];
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        [...paused, ...resumed].map(({ instanceId }) => instanceId),
      );
      return [...(await become(on, 'paused', paused)), ...(await become(on, 'running', resumed))];
    });
    return tellEnded(this.database, ended);
  }

  /** The guests could not be saved, and go on, or stand still as before. */
  async notSuspended(
    reports: readonly (PauseReport & { readonly problem: Problem })[],
  ): Promise<readonly EndedOperation[]> {
    if (reports.length === 0) return [];
    const ended = await this.database.transaction(async (on) => {
      await lockInstances(
        on,
        reports.map(({ instanceId }) => instanceId),
      );
      const ids = [reports.map(({ operationId }) => operationId)];
      const rows = await on.query<{ operationId: string }>(keepAsItIs, ids);
      const open = new Set(rows.map(({ operationId }) => operationId));
      const ends = reports.filter(({ operationId }) => open.has(operationId));
      return endOperations(
        on,
        ends.map(({ operationId, problem }) => ({ operationId, state: 'failed' as const, problem })),
      );
    });
    return tellEnded(this.database, ended);
  }
}

async function become(
  on: Session,
  state: keyof typeof ways,
  reports: readonly PauseReport[],
): Promise<EndedOperation[]> {
  if (reports.length === 0) return [];
  const { kind, event, says } = ways[state];
  const moved = await on.query<Moved>(move, [
    JSON.stringify(reports),
    state,
    kind,
    [...sourcesOf(vmmTransitions, state), state],
    sourcesOf(instanceTransitions, state),
  ]);
  await recordEvents(
    on,
    moved.map(({ name, ...ids }) => ({ kind: event, message: `${name} ${says}`, ...ids })),
  );
  return endOperations(
    on,
    moved.map(({ operationId }) => ({ operationId, state: 'succeeded' as const })),
  );
}
