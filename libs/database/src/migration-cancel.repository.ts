import type { OperationKind, OperationState } from '@berth/domain/operation-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { endOperations } from './operation-end.js';

interface Standing {
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly instanceId: string | null;
  readonly name: string | null;
  /** Null: no target was found yet. */
  readonly step: 'planned' | 'running' | 'succeeded' | 'failed' | null;
  readonly isSwitched: boolean;
  readonly isCancelled: boolean;
}

const instanceOf = `SELECT instance_id AS "instanceId" FROM operation WHERE id = $1`;

/** The row of the migration stands still from here on: its target's word that it waits comes before or after. */
const standing = `
WITH move AS (SELECT * FROM migration WHERE operation_id = $1 FOR NO KEY UPDATE)
SELECT o.kind, o.state, o.instance_id AS "instanceId", i.name, g.state AS step,
       g.switched_at IS NOT NULL OR coalesce(g.state = 'succeeded', false) AS "isSwitched",
       g.cancelled_at IS NOT NULL AS "isCancelled"
FROM operation o LEFT JOIN instance i ON i.id = o.instance_id LEFT JOIN move g ON true WHERE o.id = $1`;

const mark = `UPDATE migration SET cancelled_at = now() WHERE operation_id = $1`;

/** Its source is told next, and again until it has answered. */
const ask = `UPDATE operation SET stage = 'dispatch', next_attempt_at = now(), updated_at = now() WHERE id = $1`;

const insteadOf: Readonly<Partial<Record<OperationKind, string>>> = {
  'drain-node': 'uncordon the node, which ends its drain',
};

/**
 * Calling live migrations off. What has sent nothing yet ends at once; else the source decides, for it alone knows
 * whether its guest has left: the operation then ends as `cancelled`, or as if nobody had asked.
 */
export class MigrationCancelRepository {
  constructor(private readonly database: Database) {}

  /** Of one that was cancelled already: changes nothing. @throws ProblemError `state-conflict` */
  async accept(operationId: string, tokenId: string): Promise<void> {
    await this.database.transaction(async (on) => {
      const [operation] = await on.query<{ instanceId: string | null }>(instanceOf, [operationId]);
      await lockInstances(on, operation?.instanceId ? [operation.instanceId] : []);
      const [now] = await on.query<Standing>(standing, [operationId]);
      if (!now || now.isCancelled || now.state === 'cancelled') return;
      refuse(operationId, now);
      await on.query(mark, [operationId]);
      const { instanceId, name } = now;
      const message = `${name}: its move is called off`;
      await recordEvents(on, [
        { kind: 'InstanceMigrationCancelling', instanceId, operationId, message, detail: { token: tokenId } },
      ]);
      if (now.step === 'running') await on.query(ask, [operationId]);
      else await endOperations(on, [{ operationId, state: 'cancelled' }]);
    });
    this.database.notify('operation', operationId);
    this.database.notify('migrate');
    this.database.notify('event');
  }
}

function refuse(operationId: string, { kind, state, name, isSwitched }: Standing): void {
  const conflict = (detail: string, next: string): never => {
    throw new ProblemError({ code: 'state-conflict', detail, next, context: { operation: operationId, state } });
  };
  if (kind !== 'migrate-instance') {
    conflict(
      `operation ${operationId} is a ${kind}; only a migrate-instance can be cancelled`,
      insteadOf[kind] ?? 'stop or delete the instance, which overtakes whatever is open',
    );
  }
  if (state === 'succeeded' || state === 'failed') {
    conflict(`operation ${operationId} has ${state}; it is too late to cancel it`, 'look at the instance');
  }
  if (isSwitched) conflict(`${name} is at switchover: ${tooLate}`, 'wait for the end, then move it back if need be');
}

/** What a caller is told whose guest had left. */
export const tooLate = 'its guest has left the source, and it is too late to cancel the move';
