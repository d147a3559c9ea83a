import type { FleetView, NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { mib, percent, seconds, watts } from '../output/amounts.js';
import { renderTable } from '../output/table.js';

/** What one look at the datacenter saw. */
export interface Look {
  readonly fleet: FleetView;
  readonly nodes: readonly NodeView[];
  readonly instances: readonly InstanceView[];
}

const barChars = 12;

/**
 * One screen, at most `rows` lines of `columns` characters: the fleet in three lines, the nodes, then the busiest
 * instances.
 */
export function frameOf(look: Look, columns: number, rows: number): string[] {
  const head = [...fleetLines(look), ''];
  const nodes = [...nodeTable(look.nodes), ''];
  const room = Math.max(0, rows - head.length - nodes.length);
  const instances = instanceTable(look.instances, room);
  return [...head, ...nodes, ...instances].slice(0, rows).map((line) => line.slice(0, columns));
}

function fleetLines({ fleet, instances }: Look): string[] {
  const { packingDensity, stranded, cost } = fleet;
  const running = instances.filter(({ state }) => state === 'running').length;
  return [
    `berth   ${fleet.nodesUp} nodes up, ${fleet.nodesInUse} in use, ${fleet.leastNodes} would do` +
      `   ${running} of ${instances.length} instances running   cpu used ${percent(fleet.utilizationRatio)}`,
    `packed  ${percent(packingDensity.cpuRatio)} of cpu, ${percent(packingDensity.memoryRatio)} of memory` +
      `   stranded ${mib(stranded.memoryMib)}   could be emptied: ${fleet.emptiable.join(', ') || 'none'}`,
    `power   ${watts(fleet.powerWatts)} W   ${fleet.energyKwh.toFixed(4)} kWh` +
      `   ${cost.perHour.toFixed(4)} ${cost.currency}/h   ${cost.total.toFixed(4)} ${cost.currency} so far`,
  ];
}

function nodeTable(nodes: readonly NodeView[]): string[] {
  const rows = nodes.map((node) => [
    node.name,
    node.draining ? 'draining' : node.cordoned ? 'cordoned' : node.state,
    node.driver,
    `${node.instances}`,
    bar(node.usedCpuMillis, node.capacity.cpuMillis),
    bar(node.allocated.memoryMib, node.allocatable.memoryMib),
    watts(node.powerWatts),
  ]);
  return renderTable(['NODE', 'STATE', 'DRIVER', 'INSTANCES', 'CPU USED', 'MEMORY ALLOCATED', 'WATTS'], rows).split(
    '\n',
  );
}

/** `████········ 33 %` */
function bar(part: number, whole: number): string {
  const ratio = whole === 0 ? 0 : Math.min(1, part / whole);
  const full = Math.round(ratio * barChars);
  return `${'█'.repeat(full)}${'·'.repeat(barChars - full)} ${percent(ratio).padStart(5)}`;
}

/** Busiest first; `room` lines with the header, the last of which says how many are not shown. */
function instanceTable(instances: readonly InstanceView[], room: number): string[] {
  const busiest = instances.toSorted(
    (a, b) =>
      (b.usedCpuMillis ?? -1) - (a.usedCpuMillis ?? -1) || a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
  const fits = instances.length < room ? instances.length : Math.max(0, room - 2);
  const rows = busiest
    .slice(0, fits)
    .map((instance) => [
      instance.name,
      instance.state,
      instance.node ?? '-',
      instance.driver ?? '-',
      instance.usedCpuMillis === null ? '-' : percent(instance.usedCpuMillis / 1000),
      instance.usedMemoryMib === null ? '-' : mib(instance.usedMemoryMib),
      instance.powerWatts === null ? '-' : watts(instance.powerWatts),
      instance.timeToReadyMs === null ? '-' : seconds(instance.timeToReadyMs),
      `${instance.restartCount}`,
    ]);
  const header = ['INSTANCE', 'STATE', 'NODE', 'DRIVER', 'CPU', 'MEMORY', 'WATTS', 'READY AFTER', 'RESTARTS'];
  const lines = renderTable(header, rows).split('\n');
  return fits < instances.length ? [...lines, `... and ${instances.length - fits} more`] : lines;
}
