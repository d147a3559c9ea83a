import { buildFleet, nodeFlags, type FleetView } from '@berth/scheduling/fleet.js';
import type { NodePowerColumns } from '@berth/scheduling/consolidation/plan.js';
import type { Fleet } from '../fleet/fleet.js';
import { migrationTimes, type MigrationModel } from '../power/migration.js';
import type { Workload } from '../demand/workload.js';
import { EnergyLedger } from './energy-ledger.js';
import { InstanceTable } from './instance-table.js';
import { NodeMeters, powerStates } from './node-meters.js';

/** The fleet, the instances on it, and the changes that can happen to them; each keeps the meters exact. */
export class World {
  readonly view: FleetView;
  readonly table: InstanceTable;
  readonly meters: NodeMeters;
  readonly ledger: EnergyLedger;
  readonly starting: Uint8Array;
  readonly failed = new Set<number>();
  readonly power: NodePowerColumns;
  readonly residents: number[][];
  /** Instances on a node. */
  readonly running = new Set<number>();
  /** Milli-CPU seconds lost to migration. */
  lostToMigration = 0;
  migrations = 0;
  nodeStarts = 0;
  nodesOn = 0;
  private readonly incoming: number[][];

  constructor(
    readonly fleet: Fleet,
    workload: Workload,
    private readonly migration: MigrationModel,
  ) {
    const { nodes } = fleet;
    this.view = buildFleet(
      nodes.map((kind, i) => ({
        id: `${kind.name}-${i}`,
        capacity: kind,
        overcommitRatio: { cpuMillis: kind.cpuOvercommit, memoryMib: kind.memoryOvercommit },
        peakWatts: kind.power.peakWatts,
      })),
    );
    this.table = new InstanceTable(workload);
    this.residents = nodes.map(() => []);
    this.incoming = nodes.map(() => []);
    this.ledger = new EnergyLedger(this.table, this.residents, fleet);
    this.meters = new NodeMeters(fleet, this.ledger.charge);
    this.starting = new Uint8Array(nodes.length);
    this.power = {
      idleWatts: Float64Array.from(nodes, ({ power }) => power.idleWatts),
      peakWatts: Float64Array.from(nodes, ({ power }) => power.peakWatts),
    };
    this.meters.powerState.fill(powerStates.on);
    this.nodesOn = nodes.length;
  }

  /** At a sample all slopes change, and sums are taken afresh so that rounding does not pile up. */
  tick(timeS: number): void {
    const { meters, table } = this;
    for (let node = 0; node < this.residents.length; node++) meters.advance(node, timeS);
    table.tick(timeS, this.running);
    for (let node = 0; node < this.residents.length; node++) {
      if (this.residents[node]!.length === 0 && this.incoming[node]!.length === 0) continue;
      let load = 0;
      let slope = 0;
      for (const instance of this.residents[node]!) {
        load += table.demandAt(instance, timeS);
        slope += table.slope[instance]!;
      }
      for (const instance of this.incoming[node]!) {
        load += table.demandAt(instance, timeS) * this.migration.targetShare;
        slope += table.slope[instance]! * this.migration.targetShare;
      }
      meters.set(node, load, slope);
    }
  }

  /** The booking is the consolidator's. */
  place(instance: number, node: number, timeS: number): void {
    const { table } = this;
    table.host[instance] = node;
    table.node[instance] = node;
    table.placedS[instance] = timeS;
    this.running.add(instance);
    this.change(node, timeS, instance, 1);
    this.residents[node]!.push(instance);
    this.meters.residents[node]!++;
  }

  remove(instance: number, timeS: number): void {
    const { table } = this;
    const node = table.host[instance]!;
    if (table.moving[instance] === 1) this.cancelMove(instance, timeS);
    this.change(node, timeS, instance, -1);
    take(this.residents[node]!, instance);
    this.meters.residents[node]!--;
    this.view.release(node, table.requests[instance]!);
    this.running.delete(instance);
    table.host[instance] = -1;
    table.node[instance] = -1;
    table.seconds[instance]! += timeS - table.placedS[instance]!;
  }

  /** The booking of the target is the consolidator's. Returns how long the move takes. */
  startMove(instance: number, to: number, timeS: number): number {
    const { table, migration } = this;
    const from = table.host[instance]!;
    table.node[instance] = to;
    table.moving[instance] = 1;
    this.migrations++;
    this.change(to, timeS, instance, migration.targetShare);
    this.incoming[to]!.push(instance);
    this.meters.advance(from, timeS);
    this.meters.leaving[from]!++;
    return migrationTimes(table.requests[instance]!.memoryMib, migration).durationS;
  }

  endMove(instance: number, startS: number, timeS: number): void {
    const { table, migration, meters } = this;
    const from = table.host[instance]!;
    const to = table.node[instance]!;
    const { downtimeS } = migrationTimes(table.requests[instance]!.memoryMib, migration);
    const lost = migration.lossShare * (timeS - startS) + (1 - migration.lossShare) * downtimeS;
    this.lostToMigration += lost * table.demandAt(instance, (startS + timeS) / 2);
    this.change(from, timeS, instance, -1);
    this.change(to, timeS, instance, 1 - migration.targetShare);
    take(this.residents[from]!, instance);
    take(this.incoming[to]!, instance);
    this.residents[to]!.push(instance);
    meters.residents[from]!--;
    meters.residents[to]!++;
    meters.leaving[from]!--;
    this.view.release(from, table.requests[instance]!);
    table.host[instance] = to;
    table.moving[instance] = 0;
  }

  cancelMove(instance: number, timeS: number): void {
    const { table, meters } = this;
    const to = table.node[instance]!;
    const from = table.host[instance]!;
    this.change(to, timeS, instance, -this.migration.targetShare);
    take(this.incoming[to]!, instance);
    meters.advance(from, timeS);
    meters.leaving[from]!--;
    this.view.release(to, table.requests[instance]!);
    table.node[instance] = from;
    table.moving[instance] = 0;
  }

  /** Moves under way to or from a node. */
  movesOn(node: number): number[] {
    return [...this.incoming[node]!, ...this.residents[node]!.filter((instance) => this.table.moving[instance] === 1)];
  }

  /** Starts a node; it is up after its start time. */
  wake(node: number, timeS: number): number {
    this.setPower(node, powerStates.starting, timeS);
    this.starting[node] = 1;
    this.nodeStarts++;
    this.nodesOn++;
    return this.fleet.nodes[node]!.startS;
  }

  up(node: number, timeS: number): void {
    this.setPower(node, powerStates.on, timeS);
    this.starting[node] = 0;
    this.view.setFlags(node, 0);
  }

  /** An empty node goes off, or stays where it is when something is on its way to it. */
  sleep(node: number, timeS: number): void {
    if (this.view.residents[node]! > 0 || this.view.flags[node] !== 0) return;
    const { power, stopS } = this.fleet.nodes[node]!;
    if (timeS > 0) this.chargeUnallocated(power.idleWatts * stopS);
    this.turnOff(node, nodeFlags.asleep, timeS);
  }

  turnOff(node: number, flag: number, timeS: number): void {
    this.setPower(node, powerStates.off, timeS);
    this.meters.set(node, 0, 0);
    this.starting[node] = 0;
    this.view.setFlags(node, flag);
    this.nodesOn--;
  }

  /** Nodes that are up at time zero had to start too. */
  chargeStart(node: number): void {
    const { power, startS } = this.fleet.nodes[node]!;
    this.nodeStarts++;
    this.chargeUnallocated(power.peakWatts * startS);
  }

  private chargeUnallocated(joules: number): void {
    this.meters.joules += joules;
    this.ledger.unallocated += joules;
  }

  private setPower(node: number, state: number, timeS: number): void {
    this.meters.advance(node, timeS);
    this.meters.powerState[node] = state;
  }

  private change(node: number, timeS: number, instance: number, share: number): void {
    const { meters, table } = this;
    meters.advance(node, timeS);
    meters.load[node]! += share * table.demandAt(instance, timeS);
    meters.slope[node]! += share * table.slope[instance]!;
  }
}

function take(list: number[], item: number): void {
  list.splice(list.indexOf(item), 1);
}
