import { invariant } from '@berth/domain/invariant.js';
import { nodeFlags } from '@berth/scheduling/fleet.js';
import type { ConsolidationView } from '@berth/scheduling/consolidation/plan.js';
import { EventQueue } from '../event-queue.js';
import { cheapestWattsPerCpuMilli } from '../fleet/fleet.js';
import { totalDemand } from '../demand/workload.js';
import { seededRandom, type Random } from '../random.js';
import { nodeHoursLowerBound } from './lower-bound.js';
import { Observer } from './observer.js';
import { ACCOUNT_EVERY_S, type ReplayOptions, type ReplayResult } from './options.js';
import { World } from './world.js';

type Event =
  | { readonly kind: 'tick' | 'decide' | 'observe' | 'account' | 'look' }
  | { readonly kind: 'arrive' | 'depart'; readonly instances: readonly number[] }
  | { readonly kind: 'land'; readonly instance: number; readonly startS: number; readonly move: number }
  | { readonly kind: 'up' | 'fail' | 'repair'; readonly node: number };

/** Of events at one time: demand first, then what ends, what begins, what is decided, what is only looked at. */
const RANKS = {
  tick: 0,
  land: 1,
  up: 2,
  repair: 3,
  fail: 4,
  depart: 5,
  arrive: 6,
  decide: 7,
  account: 8,
  observe: 9,
  look: 10,
};
const DAY_S = 86_400;
const YEAR_S = 365 * DAY_S;
const JOULES_PER_KWH = 3.6e6;

/** Runs a workload of changing demand on a fleet. The same options give the same result, byte for byte. */
export class Replay {
  private readonly queue = new EventQueue<Event>();
  private readonly world: World;
  private readonly observer: Observer;
  private readonly random: Random;
  private readonly waiting: { instance: number; sinceS: number }[] = [];
  private readonly joulesByInterval: number[] = [];
  /** Number of the last move of each instance: a landing of a cancelled move is told by it. */
  private readonly moveOf = new Map<number, number>();
  private nowS = 0;
  private events = 0;
  private placed = 0;
  private rejected = 0;
  private rejectedAlive = 0;
  private restarts = 0;
  private waitSeconds = 0;

  constructor(private readonly options: ReplayOptions) {
    this.world = new World(options.fleet, options.workload, options.migration);
    this.observer = new Observer(this.world, cheapestWattsPerCpuMilli(options.fleet));
    this.random = seededRandom(options.seed).fork('failures');
  }

  run(): ReplayResult {
    this.schedule();
    const { durationS } = this.options.workload;
    while (this.queue.nextS <= durationS) {
      this.nowS = this.queue.nextS;
      this.handle(this.queue.take()!);
      this.events++;
    }
    return this.result();
  }

  private schedule(): void {
    const { workload, decideEveryS, failuresPerNodeYear, fleet } = this.options;
    this.add(0, { kind: 'tick' });
    this.add(decideEveryS, { kind: 'decide' });
    this.add(0, { kind: 'observe' });
    this.add(ACCOUNT_EVERY_S, { kind: 'account' });
    if (this.options.look !== undefined) this.add(this.options.look.atS, { kind: 'look' });
    const arrivals = groupBy(workload.instances, ({ startS }) => startS);
    const departures = groupBy(workload.instances, ({ endS }) => endS);
    for (const [timeS, instances] of arrivals) this.add(timeS, { kind: 'arrive', instances });
    for (const [timeS, instances] of departures) this.add(timeS, { kind: 'depart', instances });
    if (!arrivals.has(0)) this.add(0, { kind: 'arrive', instances: [] });
    if (failuresPerNodeYear > 0) fleet.nodes.forEach((_, node) => this.scheduleFailure(node));
  }

  private add(timeS: number, event: Event): void {
    if (timeS !== Infinity) this.queue.add(timeS, event, RANKS[event.kind]);
  }

  private handle(event: Event): void {
    const { world, nowS, options } = this;
    switch (event.kind) {
      case 'tick':
        world.tick(nowS);
        options.onProgress?.(nowS);
        return this.add(nowS + options.workload.sampleS, event);
      case 'land':
        if (this.moveOf.get(event.instance) === event.move) world.endMove(event.instance, event.startS, nowS);
        return undefined;
      case 'up':
        return world.starting[event.node] === 1 ? world.up(event.node, nowS) : undefined;
      case 'repair':
        return this.repair(event.node);
      case 'fail':
        return this.fail(event.node);
      case 'depart':
        return this.depart(event.instances);
      case 'arrive':
        return this.arrive(event.instances);
      case 'decide':
        this.decide();
        return this.add(nowS + options.decideEveryS, event);
      case 'account':
        this.joulesByInterval.push(world.meters.joulesAt(nowS));
        return this.add(nowS + ACCOUNT_EVERY_S, event);
      case 'observe':
        this.observer.observe(nowS);
        return this.add(nowS + options.observeEveryS, event);
      case 'look':
        return options.look?.at(this.view());
      default:
        return event satisfies never;
    }
  }

  private view(): ConsolidationView {
    const { world } = this;
    world.table.readAll(this.nowS, world.running);
    const { view: fleet, table: instances, starting, power } = world;
    const service = world.meters.serviceAt(this.nowS);
    return { nowS: this.nowS, fleet, instances, starting, power, service, waiting: this.waiting.length };
  }

  /** At time zero every node is up, and those that are not needed go off at once. */
  private arrive(instances: readonly number[]): void {
    const { world, nowS } = this;
    const fitting = instances.filter((instance) => this.fitsSomewhere(instance) || this.reject(instance));
    for (const instance of fitting) {
      world.table.begin(instance);
      this.waiting.push({ instance, sinceS: nowS });
    }
    this.admitWaiting();
    if (nowS > 0) return;
    for (let node = 0; node < world.residents.length; node++) {
      if (world.residents[node]!.length > 0) world.chargeStart(node);
      else world.sleep(node, nowS);
    }
  }

  private admitWaiting(): void {
    if (this.waiting.length === 0) return;
    const { world, nowS } = this;
    const arrivals = this.waiting.splice(0);
    for (const { instance } of arrivals) {
      world.table.demandCpuMillis[instance] = world.table.demandAt(instance, nowS);
    }
    const nodes = this.options.consolidator.admit(
      this.view(),
      arrivals.map(({ instance }) => instance),
    );
    arrivals.forEach((arrival, i) => {
      if (nodes[i]! < 0) return this.waiting.push(arrival);
      world.place(arrival.instance, nodes[i]!, nowS);
      this.waitSeconds += nowS - arrival.sinceS;
      return this.placed++;
    });
  }

  private fitsSomewhere(instance: number): boolean {
    const { allocatable } = this.world.view;
    const { cpuMillis, memoryMib, diskGib } = this.world.table.requests[instance]!;
    return allocatable.cpuMillis.some(
      (cpu, node) =>
        cpuMillis <= cpu && memoryMib <= allocatable.memoryMib[node]! && diskGib <= allocatable.diskGib[node]!,
    );
  }

  /** Larger than any node. Always false. */
  private reject(instance: number): false {
    this.rejected++;
    const { instances, durationS } = this.options.workload;
    if (instances[instance]!.endS > durationS) this.rejectedAlive++;
    return false;
  }

  private depart(instances: readonly number[]): void {
    for (const instance of instances) {
      const at = this.waiting.findIndex((waiting) => waiting.instance === instance);
      if (at >= 0) this.waitSeconds += this.nowS - this.waiting.splice(at, 1)[0]!.sinceS;
      if (!this.world.running.has(instance)) continue;
      this.moveOf.delete(instance);
      this.world.remove(instance, this.nowS);
    }
  }

  private decide(): void {
    const { world, nowS, options } = this;
    this.admitWaiting();
    const plan = options.consolidator.decide(this.view());
    for (const move of plan.moves) {
      const durationS = world.startMove(move.instance, move.to, nowS);
      this.moveOf.set(move.instance, world.migrations);
      this.add(nowS + durationS, { kind: 'land', instance: move.instance, startS: nowS, move: world.migrations });
      options.onMove?.(nowS, move);
    }
    for (const node of plan.wake) this.add(nowS + world.wake(node, nowS), { kind: 'up', node });
    for (const node of plan.sleep) world.sleep(node, nowS);
  }

  private scheduleFailure(node: number): void {
    const meanS = YEAR_S / this.options.failuresPerNodeYear;
    this.add(this.nowS - Math.log(1 - this.random.next()) * meanS, { kind: 'fail', node });
  }

  /** Instances on a failed node start again elsewhere; moves from it or to it are off. */
  private fail(node: number): void {
    const { world, nowS } = this;
    for (const instance of world.movesOn(node)) {
      this.moveOf.delete(instance);
      world.cancelMove(instance, nowS);
    }
    for (const instance of world.residents[node]!.slice()) {
      world.remove(instance, nowS);
      this.waiting.push({ instance, sinceS: nowS });
      this.restarts++;
      this.placed--;
    }
    if ((world.view.flags[node]! & nodeFlags.asleep) === 0 || world.starting[node] === 1) {
      world.turnOff(node, nodeFlags.unreachable, nowS);
    } else world.view.setFlags(node, nodeFlags.unreachable);
    this.add(nowS + this.options.repairS, { kind: 'repair', node });
  }

  private repair(node: number): void {
    this.world.view.setFlags(node, nodeFlags.asleep);
    this.scheduleFailure(node);
  }

  private result(): ReplayResult {
    const { world, options, observer } = this;
    const { workload, fleet } = options;
    const { meters, table, ledger } = world;
    const { durationS } = workload;
    for (let node = 0; node < world.residents.length; node++) meters.advance(node, durationS);
    for (const instance of world.running) table.seconds[instance]! += durationS - table.placedS[instance]!;
    for (const { sinceS } of this.waiting) this.waitSeconds += durationS - sinceS;
    const demand = totalDemand(workload);
    return {
      energyKwh: meters.joules / JOULES_PER_KWH,
      floorKwh: (demand * cheapestWattsPerCpuMilli(fleet)) / JOULES_PER_KWH,
      migrations: world.migrations,
      instanceDays: table.seconds.reduce((sum, seconds) => sum + seconds, 0) / DAY_S,
      slatahPercent: percent(meters.overloadS, meters.activeS),
      slatahWithMigrationPercent: percent(meters.degradedS, meters.activeS),
      pdmPercent: percent(world.lostToMigration, demand),
      unservedPercent: percent(meters.unserved, demand),
      instancesPlaced: this.placed,
      instancesRejected: this.rejected,
      instancesLost: this.countLost(),
      restarts: this.restarts,
      waitSeconds: this.waitSeconds,
      instancesWaiting: this.waiting.length,
      nodeHours: meters.poweredS / 3600,
      nodeHoursLowerBound: nodeHoursLowerBound(workload, fleet),
      peakNodes: observer.peakNodes,
      nodeStarts: world.nodeStarts,
      events: this.events,
      instanceJoules: ledger.joules,
      unallocatedJoules: ledger.unallocated,
      instanceSeconds: table.seconds,
      joulesByInterval: this.joulesByInterval,
      observations: observer.observations,
    };
  }

  /** Every instance that has begun, has not ended and was not rejected is on a node or waits for one. */
  private countLost(): number {
    const { instances, durationS } = this.options.workload;
    const alive = instances.filter(({ startS, endS }) => startS <= durationS && endS > durationS).length;
    const lost = alive - this.rejectedAlive - this.world.running.size - this.waiting.length;
    invariant(lost === 0, `${lost} instances were lost`);
    return lost;
  }
}

function percent(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 0;
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  items.forEach((item, i) => {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [i]);
    else group.push(i);
  });
  return groups;
}
