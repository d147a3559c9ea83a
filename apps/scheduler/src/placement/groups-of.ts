import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { GroupName } from '@berth/database/fleet.repository.js';

/** The groups whose members placement has to know. */
export function groupsOf(instances: readonly { projectId: string; constraints: PlacementConstraints }[]): GroupName[] {
  return instances.flatMap(({ projectId, constraints: { group } }) =>
    group === undefined ? [] : [{ projectId, group: group.name }],
  );
}
