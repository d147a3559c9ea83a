import type { Filter } from '../filter.js';
import type { FleetView } from '../fleet.js';
import type { GroupMembers } from '../groups.js';
import type { GroupPolicy } from '../request.js';

type Judge = (members: GroupMembers, fleet: FleetView, node: number) => boolean;

/** All members on one node: the first goes anywhere. */
export const affinityFilter = groupFilter('affinity', 'affinity', (members, _fleet, node) => members.byNode.has(node));

/** No two members on one node. */
export const antiAffinityFilter = groupFilter(
  'anti-affinity',
  'anti-affinity',
  (members, _fleet, node) => !members.byNode.has(node),
);

/** Zones differ by at most one member, or by what the group says. Only zones with a node that takes placements count. */
export const zoneSpreadFilter: Filter = {
  ...groupFilter('zone-spread', 'spread-zone', () => true),
  admits: (fleet, { group }, node) => {
    const spreadMax = group?.zoneSpreadMax ?? (group?.policy === 'spread-zone' ? 1 : Infinity);
    const byZone = fleet.groups.membersOf(group?.name ?? '')?.byZone;
    if (byZone === undefined || spreadMax === Infinity) return true;
    return (byZone.get(fleet.zone[node]!) ?? 0) < fleet.openZones.least(byZone) + spreadMax;
  },
};

/** Racks differ by at most one member. Only racks with a node that takes placements count. */
export const rackSpreadFilter = groupFilter('rack-spread', 'spread-rack', ({ byRack }, fleet, node) => {
  const rack = fleet.rack[node]!;
  return (byRack.get(rack) ?? 0) <= fleet.openRacks.least(byRack);
});

function groupFilter(name: string, policy: GroupPolicy, judge: Judge): Filter {
  return {
    name,
    stage: 'group',
    admits: (fleet, { group }, node) => {
      if (group === undefined || group.policy !== policy) return true;
      const members = fleet.groups.membersOf(group.name);
      return members === undefined || members.total === 0 || judge(members, fleet, node);
    },
    remedy: (_fleet, { group }) => ({ kind: 'relax-group', group: group?.name ?? '', policy }),
  };
}
