import { buildFleet, type FleetView, type NodeSpec } from './fleet.js';
import { groupKey } from './instance-request.js';
import type { ResourceAmounts } from './request.js';

/** A node as the record has it: with what its reservations hold, all together. */
export interface RecordedNode extends NodeSpec {
  readonly allocated: ResourceAmounts;
}

/** Where a member of a placement group is. */
export interface RecordedMember {
  readonly node: string;
  readonly projectId: string;
  readonly group: string;
}

/**
 * The fleet of the record: what a node holds is one lump, and the members of groups weigh nothing more. An
 * empty node holds none.
 */
export function recordedFleet(nodes: readonly RecordedNode[], members: readonly RecordedMember[]): FleetView {
  return buildFleet(nodes, [
    ...nodes
      .filter(({ allocated }) => allocated.cpuMillis + allocated.memoryMib > 0)
      .map(({ id, allocated }) => ({ node: id, ...allocated })),
    ...members.map(({ node, projectId, group }) => ({
      node,
      cpuMillis: 0,
      memoryMib: 0,
      diskGib: 0,
      group: {
        name: groupKey(projectId, group),
        policy: 'affinity' as const,
      },
    })),
  ]);
}
