import type { Fleet } from '../fleet/fleet.js';
import type { InstanceTable } from './instance-table.js';
import type { Segment } from './node-meters.js';

/**
 * Attributes a node's energy to its instances: what it draws idle by reserved memory, the rest by CPU used. Idle
 * energy nobody reserved stays on a line of its own.
 */
export class EnergyLedger {
  readonly joules: Float64Array;
  unallocated = 0;

  constructor(
    private readonly table: InstanceTable,
    private readonly residents: readonly number[][],
    private readonly fleet: Fleet,
  ) {
    this.joules = new Float64Array(table.requests.length);
  }

  readonly charge: Segment = (node, idleJoules, dynamicJoules, fromS, toS) => {
    const { table, joules } = this;
    const instances = this.residents[node]!;
    let cpu = 0;
    let memoryMib = 0;
    for (const instance of instances) {
      cpu += table.demandOver(instance, fromS, toS);
      memoryMib += table.requests[instance]!.memoryMib;
    }
    const reservable = Math.max(memoryMib, this.fleet.nodes[node]!.memoryMib);
    const perMib = idleJoules / reservable;
    const perCpu = cpu > 0 ? dynamicJoules / cpu : 0;
    let charged = 0;
    for (const instance of instances) {
      const { memoryMib: reserved } = table.requests[instance]!;
      const share = perMib * reserved + perCpu * table.demandOver(instance, fromS, toS);
      joules[instance]! += share;
      charged += share;
    }
    this.unallocated += idleJoules + dynamicJoules - charged;
  };
}
