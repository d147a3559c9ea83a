import { vmmMemoryOverheadMib } from '@berth/domain/limits.js';
import type { FleetView } from './fleet.js';
import type { GroupMembership, PlacementRequest } from './request.js';

/** The part of an instance that placement reads, as its row or the body of its create gives it. */
export interface InstanceShape {
  readonly id: string;
  readonly projectId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  /** Drivers that can boot its image; absent: any. */
  readonly engines?: readonly string[];
  readonly constraints: {
    readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
    readonly group?: Pick<GroupMembership, 'name' | 'policy'> | undefined;
    readonly zoneSpreadMax?: number | undefined;
    readonly drivers?: readonly (keyof typeof vmmMemoryOverheadMib)[] | undefined;
  };
}

/** Group names are the project's own: two projects may use one name. */
export function groupKey(projectId: string, name: string): string {
  return `${projectId}/${name}`;
}

/**
 * What an instance asks of a node. A vcpu is 1000 millis; memory is the guest's and what the vmm itself needs on the
 * costliest driver of the fleet that the instance accepts, for the node is not known yet.
 */
export function instanceRequest(fleet: FleetView, { constraints, engines, ...shape }: InstanceShape): PlacementRequest {
  const { drivers, nodeSelector } = constraints;
  const group = groupMembership(shape.projectId, constraints);
  return {
    id: shape.id,
    project: shape.projectId,
    priority: 0,
    cpuMillis: shape.vcpus * 1000,
    memoryMib: shape.memoryMib + overheadMib(fleet, drivers),
    diskGib: shape.diskGib,
    constraints: { ...(drivers && { drivers }), ...(engines && { engines }), ...(nodeSelector && { nodeSelector }) },
    ...(group && { group }),
  };
}

/** The group an instance belongs to, if it names one. */
export function groupMembership(
  projectId: string,
  { group, zoneSpreadMax }: InstanceShape['constraints'],
): GroupMembership | undefined {
  if (!group) return undefined;
  const name = groupKey(projectId, group.name);
  return { name, policy: group.policy, ...(zoneSpreadMax !== undefined && { zoneSpreadMax }) };
}

function overheadMib(fleet: FleetView, accepted?: readonly string[]): number {
  let most = 0;
  for (let trait = 0; trait < fleet.traits.size; trait++) {
    for (const driver of fleet.traits.at(trait).drivers) {
      if (accepted !== undefined && !accepted.includes(driver)) continue;
      most = Math.max(most, vmmMemoryOverheadMib[driver as keyof typeof vmmMemoryOverheadMib] ?? 0);
    }
  }
  return most;
}
