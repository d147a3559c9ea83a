import type { NodeView } from '@berth/contracts/http/fleet.js';
import { cores, labelText, mib, percent, watts } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

const ratio = (part: number, whole: number): string => percent(whole === 0 ? 0 : part / whole);

/** Of a vcpu there: an emulated one does a fraction of a core's work. */
function speedText(speedRatio: number | null | undefined): string | null {
  return speedRatio == null ? null : `${percent(speedRatio)} of a core`;
}

export const nodeNoun: Noun<NodeView> = {
  path: '/nodes',
  singular: 'node',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    {
      header: 'STATE',
      value: (node) => `${node.state}${node.draining ? ',draining' : node.cordoned ? ',cordoned' : ''}`,
    },
    { header: 'DRIVER', value: ({ driver }) => driver },
    { header: 'INSTANCES', value: ({ instances }) => instances },
    { header: 'CPU USED', value: ({ usedCpuMillis, capacity }) => ratio(usedCpuMillis, capacity.cpuMillis) },
    {
      header: 'CPU ALLOCATED',
      value: ({ allocated, allocatable }) => ratio(allocated.cpuMillis, allocatable.cpuMillis),
    },
    {
      header: 'MEMORY ALLOCATED',
      value: ({ allocated, allocatable }) => ratio(allocated.memoryMib, allocatable.memoryMib),
    },
    { header: 'WATTS', value: ({ powerWatts }) => watts(powerWatts) },
    { header: 'ENGINES', value: ({ drivers }) => drivers.join(','), wide: true },
    { header: 'SPEED', value: ({ engine }) => speedText(engine?.speedRatio), wide: true },
    { header: 'ZONE', value: ({ zone }) => zone, wide: true },
    { header: 'RACK', value: ({ rack }) => rack, wide: true },
    { header: 'CORES', value: ({ capacity }) => cores(capacity.cpuMillis), wide: true },
    { header: 'MEMORY', value: ({ capacity }) => mib(capacity.memoryMib), wide: true },
    { header: 'KWH', value: ({ energyJoules }) => (energyJoules / 3_600_000).toFixed(4), wide: true },
    { header: 'POWER MODEL', value: ({ powerModel }) => powerModel, wide: true },
    { header: 'CERTIFICATE UNTIL', value: ({ certificateExpiresAt }) => certificateExpiresAt, wide: true },
    { header: 'SEEN MS AGO', value: ({ lastSeenAgeMs }) => lastSeenAgeMs, wide: true },
    { header: 'LABELS', value: ({ labels }) => labelText(labels), wide: true },
    { header: 'ID', value: ({ id }) => id, wide: true },
  ],
};
