import { randomUUID } from 'node:crypto';
import type { InstanceState } from '@berth/domain/instance-state.js';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { releaseQuota } from './quota.js';
import { endOperations } from './operation-end.js';
import type { Session } from './session.js';

export type InstanceAction = 'start' | 'stop' | 'reboot' | 'delete';

interface ActionRule {
  readonly kind: OperationKind;
  readonly from: readonly InstanceState[];
  /** With a live vmm; and without one, where nothing is left to do on a node. */
  readonly to: readonly [live: InstanceState, none: InstanceState];
  readonly desired: 'running' | 'stopped' | 'deleted';
  /** Cancels the open operation instead of waiting for its end. */
  readonly overtakes: boolean;
  readonly event: string;
  readonly reason: string | null;
}

/** What each action asks of an instance, and makes of it. */
export const instanceActions = {
  start: {
    kind: 'start-instance',
    from: ['stopped', 'failed'],
    to: ['pending', 'pending'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceAccepted',
    reason: 'waits for a node',
  },
  stop: {
    kind: 'stop-instance',
    from: ['pending', 'starting', 'running', 'unknown'],
    to: ['stopping', 'stopped'],
    desired: 'stopped',
    overtakes: true,
    event: 'InstanceStopping',
    reason: null,
  },
  reboot: {
    kind: 'reboot-instance',
    from: ['running'],
    to: ['starting', 'starting'],
    desired: 'running',
    overtakes: false,
    event: 'InstanceRestarting',
    reason: 'reboots',
  },
  delete: {
    kind: 'delete-instance',
    from: ['pending', 'starting', 'running', 'stopping', 'stopped', 'failed', 'unknown', 'deleting'],
    to: ['deleting', 'deleted'],
    desired: 'deleted',
    overtakes: true,
    event: 'InstanceDeleting',
    reason: null,
  },
} as const satisfies Record<InstanceAction, ActionRule>;

export interface ActionRequest {
  readonly instanceId: string;
  readonly action: InstanceAction;
  readonly tokenId: string;
}

interface Standing {
  readonly name: string;
  readonly projectId: string;
  readonly state: InstanceState;
  readonly openId: string | null;
  readonly openKind: OperationKind | null;
  readonly vmmId: string | null;
  readonly generation: number | null;
  readonly nodeId: string | null;
}

const standing = `
SELECT i.name, i.project_id AS "projectId", i.state, o.id AS "openId", o.kind AS "openKind", v.id AS "vmmId",
  v.generation,
       v.node_id AS "nodeId"
FROM instance i
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
WHERE i.id = $1 AND i.state <> 'deleted'`;

const change = `
UPDATE instance SET state = $2, desired_state = $3, reason = $4, updated_at = now(), restart_after = NULL,
                    restart_count = CASE WHEN $3 = 'running' THEN 0 ELSE restart_count END,
                    deleted_at = CASE WHEN $2 = 'deleted' THEN now() END
WHERE id = $1 AND state = ANY($5)`;

const open = `
INSERT INTO operation (id, project_id, kind, state, instance_id, node_id, vmm_id, generation, stage, deadline_at)
VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, now() + make_interval(secs => $9))`;

/**
 * Takes in what users ask of an instance they have: its new state, the operation that will make it true, and
 * the event.
 */
export class InstanceActionRepository {
  constructor(private readonly database: Database) {}

  /**
   * Resolves to the id of the operation; asking again while it is open gets the same one.
   * @throws ProblemError `not-found`, `state-conflict`
   */
  async accept(request: ActionRequest): Promise<string> {
    const accepted = await this.database.transaction(async (on) => {
      await lockInstances(on, [request.instanceId]);
      const [now] = await on.query<Standing>(standing, [request.instanceId]);
      if (!now) throw new ProblemError({ code: 'not-found', detail: `there is no instance ${request.instanceId}` });
      const rule: ActionRule = instanceActions[request.action];
      if (now.openId !== null && now.openKind === rule.kind)
        return { operationId: now.openId, stage: 'done', overtaken: null };
      refuseUnless(rule, request.action, now);
      return apply(on, request, rule, now);
    });
    if (accepted.stage !== 'done') this.database.notify(accepted.stage === 'place' ? 'place' : 'dispatch');
    if (accepted.overtaken !== null) this.database.notify('operation', accepted.overtaken);
    this.database.notify('event');
    return accepted.operationId;
  }
}

function refuseUnless(rule: ActionRule, action: InstanceAction, { name, state, openId, openKind }: Standing): void {
  if (openId !== null && !rule.overtakes) {
    throw new ProblemError({
      code: 'state-conflict',
      detail: `instance ${name} has an open operation, ${openKind}`,
      next: `wait for operation ${openId}, or stop or delete the instance`,
      context: { operation: openId, state },
    });
  }
  if (rule.from.includes(state)) return;
  const detail = `instance ${name} is ${state}; ${action} needs ${rule.from.join(' or ')}`;
  throw new ProblemError({ code: 'state-conflict', detail, context: { state } });
}

interface AcceptedAction {
  readonly operationId: string;
  readonly stage: 'place' | 'dispatch' | 'done';
  readonly overtaken: string | null;
}

async function apply(on: Session, request: ActionRequest, rule: ActionRule, now: Standing): Promise<AcceptedAction> {
  const { instanceId, tokenId } = request;
  const operationId = randomUUID();
  const live = now.vmmId !== null;
  const state = rule.to[live ? 0 : 1];
  const toPlace = rule.desired === 'running' && !live;
  const stage = toPlace ? 'place' : 'dispatch';
  if (now.openId !== null) {
    const result = { overtakenBy: operationId };
    await endOperations(on, [{ operationId: now.openId, state: 'cancelled', result }]);
  }
  await on.query(change, [instanceId, state, rule.desired, rule.reason, rule.from]);
  await on.query(open, [
    operationId,
    now.projectId,
    rule.kind,
    instanceId,
    now.nodeId,
    now.vmmId,
    now.generation,
    stage,
    operationDeadlineMs / 1000,
  ]);
  const message = `instance ${now.name}: ${request.action} accepted`;
  await recordEvents(on, [{ kind: rule.event, message, instanceId, operationId, detail: { token: tokenId } }]);
  const ended = !live && !toPlace;
  if (ended) await endWithoutNode(on, { operationId, instanceId, name: now.name, deleted: state === 'deleted' });
  return { operationId, stage: ended ? 'done' : stage, overtaken: now.openId };
}

interface NodelessEnd {
  readonly operationId: string;
  readonly instanceId: string;
  readonly name: string;
  readonly deleted: boolean;
}

/** No vmm, no node to ask: the operation is over as soon as it is accepted. */
async function endWithoutNode(on: Session, { operationId, instanceId, name, deleted }: NodelessEnd): Promise<void> {
  if (deleted) await releaseQuota(on, [instanceId]);
  await endOperations(on, [{ operationId, state: 'succeeded' }]);
  const [kind, what] = deleted ? ['InstanceDeleted', 'deleted'] : ['InstanceStopped', 'stopped'];
  await recordEvents(on, [{ kind, message: `instance ${name} ${what}`, instanceId, operationId }]);
}
