import { randomUUID } from 'node:crypto';
import type { InstanceState } from '@berth/domain/instance-state.js';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Batches } from './batches.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { type ActionRule, type InstanceAction, instanceActions, nextSteps } from './instance-action.js';
import { lockInstances } from './instance-lock.js';
import { rebuildInstances, unfitRebuilds, type Rebuild } from './instance-rebuild.js';
import { rescueConflict, rescueInstances, unfitRescues } from './instance-rescue.js';
import { forgetSeeds } from './instance-seed.repository.js';
import { endOperations } from './operation-end.js';
import { releaseQuota } from './quota.js';
import type { Session } from './session.js';
import { unusableSnapshots } from './snapshot-use.js';

export interface ActionRequest {
  readonly instanceId: string;
  readonly action: InstanceAction;
  readonly tokenId: string;
  /** Where it is to move; absent: anywhere. */
  readonly targetNodeId?: string;
  /** What the move may take. */
  readonly limits?: object;
  /** What it is to go back to. */
  readonly snapshotId?: string;
  /** What it is to be made of anew. */
  readonly rebuild?: Rebuild;
  /** What it is to boot from, with its own disk behind that. */
  readonly rescueImageId?: string;
}

interface Standing {
  readonly instanceId: string;
  readonly name: string;
  readonly projectId: string;
  readonly state: InstanceState;
  readonly openId: string | null;
  readonly openKind: OperationKind | null;
  readonly vmmId: string | null;
  readonly generation: number | null;
  readonly nodeId: string | null;
  readonly isRescued: boolean;
}

/** A request that was granted: what its instance becomes, and the operation that makes it true. */
interface Grant {
  readonly request: ActionRequest;
  readonly rule: ActionRule;
  readonly before: Standing;
  readonly operationId: string;
  readonly state: InstanceState;
  readonly stage: 'place' | 'dispatch';
  /** No vmm and none wanted: no node to ask, so it is over as soon as it is accepted. */
  readonly over: boolean;
}

/** The answer to one request: its grant, the open operation that does the same already, or why not. */
type Outcome = Grant | { readonly operationId: string } | ProblemError;

const standings = `
SELECT i.id AS "instanceId", i.name, i.project_id AS "projectId", i.state, o.id AS "openId", o.kind AS "openKind",
       v.id AS "vmmId", v.generation, v.node_id AS "nodeId",
       i.rescue_image_id IS NOT NULL AS "isRescued"
FROM instance i
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
WHERE i.id = ANY($1::uuid[]) AND i.state <> 'deleted'`;

const change = `
UPDATE instance i
SET state = c.state, desired_state = c.desired, reason = c.reason, updated_at = now(), restart_after = NULL,
    saved_vmm_id = CASE WHEN c.desired IN ('stopped', 'deleted') THEN NULL ELSE saved_vmm_id END,
    restart_count = CASE WHEN c.desired = 'running' THEN 0 ELSE restart_count END,
    deleted_at = CASE WHEN c.state = 'deleted' THEN now() END
FROM jsonb_to_recordset($1::jsonb) AS c ("instanceId" uuid, state text, desired text, reason text, "from" text)
WHERE i.id = c."instanceId" AND i.state = c."from"`;

const open = `
INSERT INTO operation (id, project_id, kind, state, instance_id, node_id, vmm_id, generation, stage, snapshot_id,
                       limits, deadline_at)
SELECT "operationId", "projectId", kind, 'pending', "instanceId", "nodeId", "vmmId", generation, stage, "snapshotId",
       limits, now() + make_interval(secs => $2)
FROM jsonb_to_recordset($1::jsonb) AS o ("operationId" uuid, "projectId" uuid, kind text, "instanceId" uuid,
  "nodeId" uuid, "vmmId" uuid, generation int, stage text, "snapshotId" uuid, limits jsonb)`;

const batchMax = 64;

/**
 * Takes in what users ask of an instance they have: its new state, the operation that will make it true, and
 * the event. Requests that arrive while a commit is under way share the next one, as creates do.
 */
export class InstanceActionRepository {
  private readonly batches: Batches<ActionRequest, Outcome>;

  constructor(private readonly database: Database) {
    this.batches = new Batches(
      batchMax,
      (requests) => this.acceptTogether(requests),
      () => false,
    );
  }

  /**
   * Resolves to the id of the operation; asking again while it is open gets the same one.
   * @throws ProblemError `not-found`, `state-conflict`
   */
  async accept(request: ActionRequest): Promise<string> {
    const outcome = await this.batches.run(request);
    if (outcome instanceof ProblemError) throw outcome;
    return outcome.operationId;
  }

  private async acceptTogether(requests: readonly ActionRequest[]): Promise<Outcome[]> {
    const outcomes = new Map<ActionRequest, Outcome>();
    for (let left = requests; left.length > 0; left = left.filter((request) => !outcomes.has(request))) {
      const round = [...new Map(left.toReversed().map((request) => [request.instanceId, request])).values()];
      const decided = await this.database.transaction((on) => acceptRound(on, round));
      round.forEach((request, index) => outcomes.set(request, decided[index]!));
    }
    this.wake([...outcomes.values()]);
    return requests.map((request) => outcomes.get(request)!);
  }

  private wake(outcomes: readonly Outcome[]): void {
    const grants = outcomes.filter(isGrant);
    for (const { before, over, stage, rule } of grants) {
      if (!over) this.database.notify(rule.kind === 'migrate-instance' ? 'migrate' : stage);
      if (before.openId !== null) this.database.notify('operation', before.openId);
    }
    if (grants.length > 0) this.database.notify('event');
  }
}

function isGrant(outcome: Outcome): outcome is Grant {
  return 'request' in outcome;
}

/** One request an instance at most: each is decided on how its instance stands, then all are written together. */
async function acceptRound(on: Session, requests: readonly ActionRequest[]): Promise<Outcome[]> {
  const ids = requests.map(({ instanceId }) => instanceId);
  await lockInstances(on, ids);
  const rows = await on.query<Standing>(standings, [ids]);
  const byInstance = new Map(rows.map((row) => [row.instanceId, row]));
  const refused = new Map<ActionRequest, ProblemError>([
    ...(await unusableSnapshots(on, requests)),
    ...(await unfitRebuilds(on, requests)),
    ...(await unfitRescues(on, requests)),
  ]);
  const outcomes = requests.map((request) => {
    const outcome = decide(request, byInstance.get(request.instanceId));
    return isGrant(outcome) ? (refused.get(request) ?? outcome) : outcome;
  });
  const grants = outcomes.filter(isGrant);
  if (grants.length > 0) await write(on, grants);
  return outcomes;
}

function decide(request: ActionRequest, before: Standing | undefined): Outcome {
  const { action, instanceId } = request;
  if (!before) return new ProblemError({ code: 'not-found', detail: `there is no instance ${instanceId}` });
  const rule = instanceActions[action];
  const { name, state, openId, openKind } = before;
  // a second one may ask for another image or other data
  const isOther = request.rebuild !== undefined || request.rescueImageId !== undefined;
  if (openId !== null && openKind === rule.kind && !isOther) return { operationId: openId };
  // stopped before it has begun there would be nothing to start
  const isUnmade = openKind === 'clone-instance' && action !== 'delete';
  if (openId !== null && (isUnmade || !rule.overtakes)) {
    return new ProblemError({
      code: 'state-conflict',
      detail: `instance ${name} has an open operation, ${openKind}`,
      next: `wait for operation ${openId}, or ${isUnmade ? '' : 'stop or '}delete the instance`,
      context: { operation: openId, state },
    });
  }
  const conflict = rescueConflict(action, before);
  if (conflict) return new ProblemError(conflict);
  if (!rule.from.includes(state)) {
    const detail = `instance ${name} is ${state}; ${action} needs ${rule.from.join(' or ')}`;
    return new ProblemError({ code: 'state-conflict', detail, next: nextSteps[state], context: { state } });
  }
  const live = before.vmmId !== null;
  const toPlace = rule.desired === 'running' && (!live || action === 'migrate');
  return {
    request,
    rule,
    before,
    operationId: randomUUID(),
    state: live ? (rule.to[0] === 'same' ? state : rule.to[0]) : rule.to[1],
    stage: toPlace ? 'place' : 'dispatch',
    over: !live && !toPlace,
  };
}

async function write(on: Session, grants: readonly Grant[]): Promise<void> {
  await endOperations(
    on,
    grants.flatMap(({ before: { openId }, operationId }) =>
      openId === null ? [] : [{ operationId: openId, state: 'cancelled', result: { overtakenBy: operationId } }],
    ),
  );
  const changes = grants.map(({ before, rule: { desired, reason }, state }) => {
    return { instanceId: before.instanceId, state, desired, reason, from: before.state };
  });
  await on.query(change, [JSON.stringify(changes)]);
  const granted = grants.map(({ request }) => request);
  await rebuildInstances(on, granted);
  await rescueInstances(on, granted);
  const opened = grants.map(({ request, before, operationId, rule: { kind }, stage }) => ({
    ...before,
    ...(kind === 'migrate-instance' && { vmmId: null, generation: null, nodeId: request.targetNodeId ?? null }),
    operationId,
    kind,
    stage,
    snapshotId: request.snapshotId ?? null,
    limits: request.limits ?? null,
  }));
  await on.query(open, [JSON.stringify(opened), operationDeadlineMs / 1000]);
  await recordEvents(
    on,
    grants.map(({ request: { action, tokenId, instanceId }, rule, before, operationId }) => {
      const message = `instance ${before.name}: ${action} accepted`;
      return { kind: rule.event, message, instanceId, operationId, detail: { token: tokenId } };
    }),
  );
  await endWithoutNode(
    on,
    grants.filter(({ over }) => over),
  );
}

async function endWithoutNode(on: Session, grants: readonly Grant[]): Promise<void> {
  const deleted = grants.filter(({ state }) => state === 'deleted').map(({ before }) => before.instanceId);
  await releaseQuota(on, deleted);
  await forgetSeeds(on, deleted);
  await endOperations(
    on,
    grants.map(({ operationId }) => ({ operationId, state: 'succeeded' })),
  );
  await recordEvents(
    on,
    grants.map(({ before: { name, instanceId }, operationId, state }) => {
      const [kind, what] = state === 'deleted' ? ['InstanceDeleted', 'deleted'] : ['InstanceStopped', 'stopped'];
      return { kind, message: `instance ${name} ${what}`, instanceId, operationId };
    }),
  );
}
