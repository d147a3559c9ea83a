import type { FleetView } from '@berth/contracts/http/fleet.js';
import type { Invocation } from '../commands/invocation.js';
import { cores, mib, percent, watts } from '../output/amounts.js';
import { renderTable } from '../output/table.js';

/** Consolidation as it stands: how full, what is stranded, how few nodes would do. */
export async function showFleet(invocation: Invocation, asJson: boolean): Promise<void> {
  const fleet = await invocation.api().call<FleetView>({ method: 'GET', path: '/fleet' });
  invocation.print(asJson ? JSON.stringify(fleet, null, 2) : fleetText(fleet));
}

export function fleetText(fleet: FleetView): string {
  const { packingDensity, stranded, cost } = fleet;
  const facts = [
    ['nodes up', `${fleet.nodesUp}, ${fleet.nodesInUse} in use, ${fleet.leastNodes} would do`],
    ['instances', `${fleet.instances}, ${fleet.instancesPerNodeInUse.toFixed(1)} a node in use`],
    ['packed', `${percent(packingDensity.cpuRatio)} of cpu, ${percent(packingDensity.memoryRatio)} of memory`],
    ['stranded', `${cores(stranded.cpuMillis)} cores, ${mib(stranded.memoryMib)} (for ${fleet.referenceShape})`],
    ['cpu used', percent(fleet.utilizationRatio)],
    ['power', `${watts(fleet.powerWatts)} W, ${fleet.energyKwh.toFixed(4)} kWh so far`],
    ['cost', `${cost.perHour.toFixed(4)} ${cost.currency}/h, ${cost.total.toFixed(4)} ${cost.currency} so far`],
    ['could be emptied', fleet.emptiable.join(', ') || 'none'],
  ];
  const nodes = renderTable(
    ['NODE', 'INSTANCES', 'CPU USED', 'CPU ALLOCATED', 'MEMORY ALLOCATED', 'WATTS', 'CAN BE EMPTIED'],
    fleet.nodes.map((node) => [
      node.node,
      `${node.instances}`,
      percent(node.utilizationRatio),
      percent(node.cpuAllocatedRatio),
      percent(node.memoryAllocatedRatio),
      watts(node.powerWatts),
      `${node.couldBeEmptied ? 'yes' : 'no'}: ${node.why}`,
    ]),
  );
  return [renderTable([], facts), '', nodes, ...fleet.explanation.map((line) => `\n${line}`)].join('\n');
}
