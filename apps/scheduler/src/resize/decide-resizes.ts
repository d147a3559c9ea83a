import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { Amounts, FleetNode, GroupMember } from '@berth/database/fleet.repository.js';
import type { PendingResize, PlannedResize } from '@berth/database/resizing.repository.js';
import { enginesFor } from '@berth/domain/boot-needs.js';
import { driversFor, engineDrivers } from '@berth/domain/node-state.js';
import type { Problem } from '@berth/domain/problem.js';
import { instanceRequest, type InstanceShape } from '@berth/scheduling/instance-request.js';
import { place } from '@berth/scheduling/place.js';
import { policies } from '@berth/scheduling/policy.js';
import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';

export type Resizing = PendingResize<PlacementConstraints>;

export interface ResizeDecisions {
  readonly planned: readonly PlannedResize[];
  readonly refused: readonly {
    readonly operationId: string;
    readonly instanceId: string;
    readonly problem: Problem;
  }[];
}

interface Place {
  readonly node: FleetNode;
  readonly reserves: Amounts;
  readonly explanation: object;
}

const policy = policies.berth;

/**
 * Where each will be of its new size: on its own node when that has room for what it needs beyond what it holds there,
 * else on another, unless its disk keeps it. One that fits nowhere is refused at once: it runs on as it is, and its
 * owner may ask again. Pure.
 */
export function decideResizes(
  nodes: readonly FleetNode[],
  members: readonly GroupMember[],
  resizing: readonly Resizing[],
): ResizeDecisions {
  const planned: PlannedResize[] = [];
  const refused: ResizeDecisions['refused'][number][] = [];
  const rows = new Map(nodes.map((node) => [node.nodeId, node]));
  for (const one of resizing) {
    const own = [...rows.values()].filter(({ nodeId }) => nodeId === one.nodeId);
    const others = [...rows.values()].filter(({ nodeId }) => nodeId !== one.nodeId);
    const stay = placeOn(
      own.map((node) => without(node, one.holds)),
      [],
      ungrouped(one),
    );
    const found = isPlace(stay) || isBound(one, own, members) ? stay : placeOn(others, members, one);
    const { operationId, id: instanceId } = one;
    if (!isPlace(found)) {
      const elsewhere = one.restarts && one.hasDisk ? placeOn(others, members, one) : found;
      refused.push({ operationId, instanceId, problem: problemOf(one, own[0]?.id, found, elsewhere) });
      continue;
    }
    const plan = planFor(one, found);
    const before = rows.get(plan.nodeId)!;
    rows.set(plan.nodeId, { ...before, allocated: plus(before.allocated, plan.more) });
    planned.push(plan);
  }
  return { planned, refused };
}

function planFor(one: Resizing, { node, reserves, explanation }: Place): PlannedResize {
  const { operationId, id: instanceId, vmmId, restarts, holds } = one;
  const { nodeId } = node;
  const missing = nodeId === one.nodeId ? beyond(reserves, holds) : reserves;
  const more = restarts ? missing : { cpuMillis: 0, memoryMib: 0, diskGib: missing.diskGib };
  const about = { operationId, instanceId, vmmId, restarts, nodeId, driver: driverOn(node, one) };
  return { ...about, reserves, more, policy: policy.name, explanation };
}

/** Its disk is on its node, or the others of its group are, with whom it is to be. */
function isBound(
  { hasDisk, projectId, constraints }: Resizing,
  own: readonly FleetNode[],
  members: readonly GroupMember[],
) {
  const { group } = constraints;
  const isMate = (one: GroupMember): boolean =>
    one.projectId === projectId && one.group === group?.name && own.some(({ id }) => id === one.node);
  return hasDisk || (group?.policy === 'affinity' && members.filter(isMate).length > 1);
}

function placeOn(candidates: readonly FleetNode[], members: readonly GroupMember[], one: Resizing): Place | string {
  // spread counts over the nodes it may go to: those it leaves behind are not made worse by that
  const there = members.filter(({ node }) => candidates.some(({ id }) => id === node));
  const fleet = recordedFleet(candidates, there);
  const request = instanceRequest(fleet, shapeOf(one));
  const answer = place(fleet, request, policy);
  if (!answer.placed) return answer.sentence;
  const { cpuMillis, memoryMib, diskGib } = request;
  const node = candidates.find(({ id }) => id === answer.node)!;
  return { node, reserves: { cpuMillis, memoryMib, diskGib }, explanation: answer.explanation };
}

/** What failed it is not asked for again. */
function shapeOf(one: Resizing): InstanceShape {
  const { constraints, failedDrivers } = one;
  const accepted = driversFor(engineDrivers, constraints.drivers, failedDrivers);
  const drivers = failedDrivers.length === 0 ? constraints.drivers : accepted;
  return { ...one, engines: enginesFor(one), constraints: { ...constraints, ...(drivers && { drivers }) } };
}

/** Where it is already, it stays in its group. */
function ungrouped(one: Resizing): Resizing {
  const { group: _, zoneSpreadMax: __, ...constraints } = one.constraints;
  return { ...one, constraints };
}

function driverOn(node: FleetNode, one: Resizing): PlannedResize['driver'] {
  const engines = enginesFor(one);
  const drivers = driversFor(node.drivers, one.constraints.drivers, one.failedDrivers);
  return drivers.find((driver) => engines.includes(driver))!;
}

function problemOf(one: Resizing, node: string | undefined, why: string, elsewhere: Place | string): Problem {
  const kept = one.hasDisk ? `its disk is on node ${node ?? one.nodeId}: ` : '';
  const next =
    one.hasDisk && isPlace(elsewhere)
      ? `move it first, while it runs: berth instance migrate ${one.name} --to ${elsewhere.node.id}`
      : 'ask for less, or add a node';
  return { code: 'no-node-fits', detail: `${one.name} runs on as it is; ${kept}${why}`, next };
}

function isPlace(found: Place | string): found is Place {
  return typeof found !== 'string';
}

function without(node: FleetNode, { cpuMillis, memoryMib, diskGib }: Amounts): FleetNode {
  return {
    ...node,
    allocated: plus(node.allocated, { cpuMillis: -cpuMillis, memoryMib: -memoryMib, diskGib: -diskGib }),
  };
}

function plus(a: Amounts, b: Amounts): Amounts {
  return {
    cpuMillis: a.cpuMillis + b.cpuMillis,
    memoryMib: a.memoryMib + b.memoryMib,
    diskGib: a.diskGib + b.diskGib,
  };
}

/** Never less than nothing: what shrinks is held until it has shrunk. */
function beyond(reserves: Amounts, holds: Amounts): Amounts {
  return {
    cpuMillis: Math.max(0, reserves.cpuMillis - holds.cpuMillis),
    memoryMib: Math.max(0, reserves.memoryMib - holds.memoryMib),
    diskGib: Math.max(0, reserves.diskGib - holds.diskGib),
  };
}
