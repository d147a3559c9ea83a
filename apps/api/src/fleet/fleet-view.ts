import { capexPerNodeHour, vcpuHourCost, type CostFile } from '@berth/config/cost-file.js';
import type { FleetView } from '@berth/contracts/http/fleet.js';
import type { NodeRecord } from '@berth/database/node-record.js';
import type { FleetReport } from '@berth/scheduling/fleet-report.js';

const joulesPerKwh = 3_600_000;
const microsPerUnit = 1_000_000;

export interface FleetFacts {
  readonly records: readonly NodeRecord[];
  readonly report: FleetReport;
  readonly referenceShape: string;
  readonly cost: CostFile;
  readonly costMicros: number;
}

/** The report in the words of the API, with what the nodes measured beside it. */
export function fleetViewOf({ records, report, referenceShape, cost, costMicros }: FleetFacts): FleetView {
  const up = records.filter(({ state }) => state === 'up');
  const { density, leastNodes, emptiable } = report;
  const { cpuMillis: cpuRatio, memoryMib: memoryRatio } = density.strandedCapacity;
  const instances = sum(up, (node) => node.instances);
  const powerWatts = sum(up, (node) => node.powerWatts);
  const perHour = (powerWatts / 1000) * cost.pue * cost.tariffPerKwh + up.length * capexPerNodeHour(cost);
  const empty = new Set(emptiable.map(({ node }) => node));
  return {
    nodesUp: up.length,
    nodesInUse: density.nodesInUse,
    instances,
    instancesPerNodeInUse: ratio(instances, density.nodesInUse),
    packingDensity: {
      cpuRatio: density.packingDensity.cpuMillis,
      memoryRatio: density.packingDensity.memoryMib,
    },
    stranded: {
      cpuMillis: Math.round(cpuRatio * sum(up, (node) => node.allocatable.cpuMillis)),
      memoryMib: Math.round(memoryRatio * sum(up, (node) => node.allocatable.memoryMib)),
      cpuRatio,
      memoryRatio,
    },
    referenceShape,
    leastNodes,
    leastNodesLowerBound: density.leastNodesBound,
    emptiable: [...empty],
    utilizationRatio: ratio(
      sum(up, (node) => node.usedCpuMillis),
      sum(up, (node) => node.capacity.cpuMillis),
    ),
    powerWatts,
    energyKwh: sum(records, (node) => node.energyJoules) / joulesPerKwh,
    cost: {
      currency: cost.currency,
      total: costMicros / microsPerUnit,
      perHour,
      tariffPerKwh: cost.tariffPerKwh,
    },
    nodes: records.map((node) => nodeOf(node, cost, empty.has(node.name), report.reasonOf(node.name))),
    explanation: explanationOf(density.nodesInUse, report),
  };
}

function nodeOf(
  node: NodeRecord,
  cost: CostFile,
  couldBeEmptied: boolean,
  reason: string | undefined,
): FleetView['nodes'][number] {
  const speedRatio = node.engine?.speedRatio ?? null;
  const { cpuMillis } = node.allocatable;
  const { perVcpu, perNativeVcpu } = vcpuHourCost(cost, { powerWatts: node.powerWatts, cpuMillis, speedRatio });
  return {
    node: node.name,
    utilizationRatio: ratio(node.usedCpuMillis, node.capacity.cpuMillis),
    cpuAllocatedRatio: ratio(node.allocated.cpuMillis, node.allocatable.cpuMillis),
    memoryAllocatedRatio: ratio(node.allocated.memoryMib, node.allocatable.memoryMib),
    instances: node.instances,
    powerWatts: node.powerWatts,
    speedRatio,
    costPerVcpuHour: perVcpu,
    costPerNativeVcpuHour: perNativeVcpu,
    couldBeEmptied,
    why: reason ?? (node.state === 'up' ? 'it holds nothing' : `it is ${node.state}`),
  };
}

function explanationOf(inUse: number, { leastNodes, density, emptiable }: FleetReport): string[] {
  const gain = inUse - leastNodes;
  const packing =
    gain > 0
      ? `the load needs ${leastNodes} of the ${inUse} nodes in use: a fresh packing would free ${gain}`
      : `the load needs all ${inUse} nodes in use, as far as a constructive packing tells`;
  const bound = `no packing can do with fewer than ${density.leastNodesBound}`;
  const names = emptiable.map(({ node }) => node).join(', ');
  const first =
    emptiable.length > 0 ? `one after the other, these could be emptied now: ${names}` : 'no node could be emptied now';
  return [`${packing}; ${bound}`, first];
}

function sum(nodes: readonly NodeRecord[], of: (node: NodeRecord) => number): number {
  return nodes.reduce((total, node) => total + of(node), 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
