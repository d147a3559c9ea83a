import type { Filter } from '../filter.js';
import type { FleetView } from '../fleet.js';
import type { GroupMembers } from '../groups.js';
import type { GroupMembership, GroupPolicy } from '../request.js';

type Judge = (members: GroupMembers, fleet: FleetView, node: number) => boolean;

/** All members on one node: the first goes anywhere. */
export const affinityFilter = groupFilter('affinity', 'affinity', (members, _fleet, node) => members.onNode(node) > 0);

/** No two members on one node. */
export const antiAffinityFilter = groupFilter(
  'anti-affinity',
  'anti-affinity',
  (members, _fleet, node) => members.onNode(node) === 0,
);

/**
 * Zones differ by at most one member, or by `zoneSpreadMax` under any other policy. Only zones with a node that takes
 * placements count.
 */
export const zoneSpreadFilter: Filter = {
  name: 'zone-spread',
  stage: 'group',
  admits: (fleet, { group }, node) => spreads(fleet, group, fleet.zone[node]!),
  admitsZone: (fleet, { group }, zone) => spreads(fleet, group, zone),
  remedy: (_fleet, { group }) => ({
    kind: 'relax-group',
    group: group?.name ?? '',
    policy: group?.policy ?? 'spread-zone',
  }),
};

/** Racks differ by at most one member. Only racks with a node that takes placements count. */
export const rackSpreadFilter = groupFilter('rack-spread', 'spread-rack', (members, fleet, node) => {
  const held = members.inRack(fleet.rack[node]!);
  return held <= fleet.openRacks.least(members.racksHeld, (rack) => members.inRack(rack));
});

function spreads(fleet: FleetView, group: GroupMembership | undefined, zone: number): boolean {
  const differenceMax = group?.policy === 'spread-zone' ? 1 : group?.zoneSpreadMax;
  if (group === undefined || differenceMax === undefined) return true;
  const members = fleet.groups.membersOf(group.name);
  if (members === undefined) return true;
  const least = fleet.openZones.least(members.zonesHeld, (other) => members.inZone(other));
  return members.inZone(zone) < least + differenceMax;
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
