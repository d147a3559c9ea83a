import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { FleetNode, GroupMember } from '@berth/database/fleet.repository.js';
import type { PendingMigration, PlannedMigration } from '@berth/database/migration.repository.js';
import type { Problem } from '@berth/domain/problem.js';
import { instanceRequest } from '@berth/scheduling/instance-request.js';
import { place } from '@berth/scheduling/place.js';
import { policies } from '@berth/scheduling/policy.js';
import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';

export type Moving = PendingMigration<PlacementConstraints>;

export interface MigrationDecisions {
  readonly planned: readonly PlannedMigration[];
  readonly refused: readonly { readonly operationId: string; readonly problem: Problem }[];
}

const policy = policies.berth;

/**
 * Where each goes: any node but its own that runs the same engine, or the one that was asked for. A move can wait for
 * its caller to ask again, so one that fits nowhere is refused at once. Pure.
 */
export function decideMigrations(
  nodes: readonly FleetNode[],
  members: readonly GroupMember[],
  moving: readonly Moving[],
): MigrationDecisions {
  const planned: PlannedMigration[] = [];
  const refused: { operationId: string; problem: Problem }[] = [];
  const taken = new Map<string, FleetNode['allocated']>();
  for (const one of moving) {
    const { operationId, driver } = one;
    const candidates = nodes
      .filter(({ nodeId }) => nodeId !== one.sourceNodeId && (one.wantedNodeId ?? nodeId) === nodeId)
      .map((node) => ({ ...node, allocated: taken.get(node.nodeId) ?? node.allocated }));
    // spread counts over the nodes it may go to: those it leaves behind are not made worse by that
    const there = members.filter(({ node }) => candidates.some(({ id }) => id === node));
    const fleet = recordedFleet(candidates, there);
    const request = instanceRequest(fleet, { ...one, constraints: { ...one.constraints, drivers: [driver] } });
    const answer = place(fleet, request, policy);
    const target = answer.placed ? candidates.find(({ id }) => id === answer.node) : undefined;
    if (!answer.placed || !target) {
      const detail = answer.placed ? 'no node can take it' : answer.sentence;
      refused.push({ operationId, problem: { code: 'no-node-fits', detail, next: 'name another node, or add one' } });
      continue;
    }
    const { cpuMillis, memoryMib, diskGib } = request;
    taken.set(target.nodeId, {
      cpuMillis: target.allocated.cpuMillis + cpuMillis,
      memoryMib: target.allocated.memoryMib + memoryMib,
      diskGib: target.allocated.diskGib + diskGib,
    });
    const { id: instanceId, sourceVmmId } = one;
    const { explanation } = answer;
    const amounts = { cpuMillis, memoryMib, diskGib };
    const decision = { policy: policy.name, explanation };
    planned.push({ operationId, instanceId, sourceVmmId, nodeId: target.nodeId, driver, ...amounts, ...decision });
  }
  return { planned, refused };
}
