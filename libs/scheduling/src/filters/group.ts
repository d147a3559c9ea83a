import type { Filter } from '../filter.js';
import type { FleetView } from '../fleet.js';
import type { GroupMembers } from '../groups.js';
import type { GroupPolicy } from '../request.js';

type Judge = (members: GroupMembers, fleet: FleetView, node: number) => boolean;

/** All members on one node: the first goes anywhere. */
export const affinityFilter = groupFilter('affinity', 'affinity', (members, _fleet, node) => members.onNode(node) > 0);

/** No two members on one node. */
export const antiAffinityFilter = groupFilter(
  'anti-affinity',
  'anti-affinity',
  (members, _fleet, node) => members.onNode(node) === 0,
);

/** Zones differ by at most one member. Only zones with a node that takes placements count. */
export const zoneSpreadFilter: Filter = {
  ...groupFilter('zone-spread', 'spread-zone', (members, fleet, node) => spreads(members, fleet, fleet.zone[node]!)),
  admitsZone: (fleet, { group }, zone) => {
    if (group?.policy !== 'spread-zone') return true;
    const members = fleet.groups.membersOf(group.name);
    return members === undefined || spreads(members, fleet, zone);
  },
};

/** Racks differ by at most one member. Only racks with a node that takes placements count. */
export const rackSpreadFilter = groupFilter('rack-spread', 'spread-rack', (members, fleet, node) => {
  const held = members.inRack(fleet.rack[node]!);
  return held <= fleet.openRacks.least(members.racksHeld, (rack) => members.inRack(rack));
});

function spreads(members: GroupMembers, fleet: FleetView, zone: number): boolean {
  return members.inZone(zone) <= fleet.openZones.least(members.zonesHeld, (other) => members.inZone(other));
}

function groupFilter(name: string, policy: GroupPolicy, judge: Judge): Filter {
  return {
    name,
    stage: 'group',
    admits: (fleet, { group }, node) => {
      if (group === undefined || group.policy !== policy) return true;
      const members = fleet.groups.membersOf(group.name);
      return members === undefined || judge(members, fleet, node);
    },
    remedy: (_fleet, { group }) => ({ kind: 'relax-group', group: group?.name ?? '', policy }),
  };
}
