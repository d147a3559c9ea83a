import type { FleetNode, GroupMember } from '@berth/database/fleet.repository.js';
import type { PendingPlacement, ProposedPlacement, Unplaced } from '@berth/database/placement.repository.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { enginesFor } from '@berth/domain/boot-needs.js';
import { driversFor, engineDrivers, type EngineDriverName } from '@berth/domain/node-state.js';
import type { Problem } from '@berth/domain/problem.js';
import type { Placement, Unplaceable } from '@berth/scheduling/decision.js';
import { instanceRequest } from '@berth/scheduling/instance-request.js';
import type { LifetimeBook } from '@berth/scheduling/lifetime/lifetime-book.js';
import type { LifetimeTraits } from '@berth/scheduling/lifetime/lifetime-model.js';
import { placeBatch } from '@berth/scheduling/place.js';
import { policies } from '@berth/scheduling/policy.js';
import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';
import type { PlacementRequest } from '@berth/scheduling/request.js';

export type Pending = PendingPlacement<PlacementConstraints>;

export interface PlacementDecisions {
  readonly proposed: readonly ProposedPlacement[];
  readonly postponed: readonly Unplaced[];
  readonly failed: readonly { operationId: string; instanceId: string; problem: Problem }[];
  /** Nodes that each filter refused, over the requests that found none. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** A user is told by then; what loops ask for waits on, as capacity may come back. */
export const noNodeFitsAfterMs = 30_000;
const retryMinMs = 1_000;
const retryMaxMs = 5_000;

const policy = policies.berth;

/**
 * Which instance goes where, which waits, and which has waited long enough. Pure: rows in, decisions out. Without a
 * book nothing is known of lifetimes.
 */
export function decidePlacements(
  nodes: readonly FleetNode[],
  members: readonly GroupMember[],
  pending: readonly Pending[],
  book?: LifetimeBook,
): PlacementDecisions {
  const fleet = recordedFleet(nodes, members);
  const outlook = book?.outlook(fleet);
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const traits = pending.map(lifetimeTraits);
  const requests = pending.map((instance, index) => ({
    ...instanceRequest(fleet, { ...withoutFailed(instance), engines: enginesFor(instance) }),
    ...(outlook && { longevity: outlook.longevityOf(traits[index]!) }),
  }));
  const stayWith = outlook && ((index: number, node: number): number => outlook.arrived(traits[index]!, node));
  const answers = placeBatch(fleet, requests, policy, stayWith);
  const proposed: ProposedPlacement[] = [];
  const postponed: Unplaced[] = [];
  const failed: { operationId: string; instanceId: string; problem: Problem }[] = [];
  const rejected: Record<string, number> = {};
  for (const [index, answer] of answers.entries()) {
    const instance = pending[index]!;
    if (answer.placed) {
      proposed.push(proposal(instance, requests[index]!, nodeOf.get(answer.node)!, answer));
      continue;
    }
    for (const [filter, count] of Object.entries(answer.explanation.rejected))
      rejected[filter] = (rejected[filter] ?? 0) + count;
    if (instance.initiator === 'user' && instance.waitedMs >= noNodeFitsAfterMs) {
      failed.push({ operationId: instance.operationId, instanceId: instance.id, problem: problemOf(answer) });
    } else postponed.push(postponement(instance, answer));
  }
  return { proposed, postponed, failed, rejected };
}

/** As `LifetimeRepository` tells them of instances that have a node. */
export function lifetimeTraits({ projectId, vcpus, memoryMib, batchSize }: Pending): LifetimeTraits {
  return { project: projectId, cpuMillis: vcpus * 1000, memoryMib, batchSize };
}

/** What failed it is not asked for again. */
function withoutFailed(instance: Pending): Pending {
  const { constraints, failedDrivers } = instance;
  if (failedDrivers.length === 0) return instance;
  const drivers = driversFor(engineDrivers, constraints.drivers, failedDrivers);
  return { ...instance, constraints: { ...constraints, drivers } };
}

function proposal(
  instance: Pending,
  request: PlacementRequest,
  node: FleetNode,
  { explanation }: Placement,
): ProposedPlacement {
  const { cpuMillis, memoryMib, diskGib } = request;
  return {
    operationId: instance.operationId,
    instanceId: instance.id,
    nodeId: node.nodeId,
    node: node.id,
    driver: driverOn(node, instance),
    cpuMillis,
    memoryMib,
    diskGib,
    policy: policy.name,
    explanation,
    queuedMs: instance.waitedMs,
  };
}

function driverOn(node: FleetNode, instance: Pending): EngineDriverName {
  const { constraints, failedDrivers } = instance;
  const engines = enginesFor(instance);
  return driversFor(node.drivers, constraints.drivers, failedDrivers).find((driver) => engines.includes(driver))!;
}

function postponement(instance: Pending, { explanation, counterfactuals, sentence }: Unplaceable): Unplaced {
  return {
    operationId: instance.operationId,
    instanceId: instance.id,
    policy: policy.name,
    explanation: { ...explanation, counterfactuals: counterfactuals.map((counterfactual) => counterfactual.sentence) },
    sentence,
    retryAfterMs: Math.min(retryMaxMs, retryMinMs + instance.waitedMs / 4),
  };
}

function problemOf({ explanation, counterfactuals, sentence }: Unplaceable): Problem {
  const { considered, rejected } = explanation;
  return {
    code: 'no-node-fits',
    detail: sentence,
    next: 'ask for less, relax the constraints, or add a node',
    context: {
      considered,
      rejected,
      counterfactuals: counterfactuals.map((counterfactual) => counterfactual.sentence),
    },
  };
}
