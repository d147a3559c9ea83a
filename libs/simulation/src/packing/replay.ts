import { buildFleet, nodeFlags } from '@berth/scheduling/fleet.js';
import type { FleetView, NodeSpec } from '@berth/scheduling/fleet.js';
import { choose } from '@berth/scheduling/place.js';
import type { Policy } from '@berth/scheduling/policy.js';
import type { PlacementRequest, ResourceAmounts } from '@berth/scheduling/request.js';
import type { PowerCurve } from '../power/curve.js';
import type { Arrivals } from './arrivals.js';
import { drainFew } from './drain.js';
import { EnergyMeter } from './energy-meter.js';
import type { EnergyShares } from './energy-meter.js';
import { Outlook } from './outlook.js';
import { Residents } from './residents.js';
import { TiledArrivals } from './tiled-arrivals.js';

export interface PackingOptions {
  readonly node: ResourceAmounts;
  readonly nodes: number;
  readonly policy: Policy;
  /** Whether lifetimes are learned on the way, for policies that ask how long nodes stay. */
  readonly learn: boolean;
  /** The trace is replayed once for each offset, so much later; each is a project of its own. */
  readonly offsetsS: readonly number[];
  readonly endS: number;
  readonly relearnIntervalS: number;
  /** Moves allowed for every thousand instances placed so far; 0 = no live migration. */
  readonly migrationsPer1000: number;
  /** Of every node. */
  readonly power: PowerCurve;
}

export interface PackingSummary extends EnergyShares {
  readonly nodeHours: number;
  readonly peakNodes: number;
  readonly placed: number;
  readonly rejected: number;
  readonly migrations: number;
  readonly events: number;
}

const DRAIN_INTERVAL_S = 600;

/** A request as the core takes it; one object serves the whole replay. */
type Ask = { -readonly [Key in keyof PlacementRequest]: PlacementRequest[Key] };

/**
 * Replays arrivals and departures on a uniform fleet. At one instant departures come first; all that arrives at one
 * instant is placed as one batch, the long-lived first. A node is opened only when none in use takes the request, and
 * closed when empty. Moves take no time.
 */
export class PackingReplay {
  readonly #arrivals: Arrivals;
  readonly #tiles: TiledArrivals;
  readonly #options: PackingOptions;
  readonly #fleet: FleetView;
  readonly #residents: Residents;
  readonly #outlook: Outlook | undefined;
  readonly #energy: EnergyMeter;
  /** By instance; -1 = nowhere. */
  readonly #nodeOf: Int32Array;
  readonly #closed: number[] = [];
  readonly #ask: Ask = { id: '', project: '', priority: 0, cpuMillis: 0, memoryMib: 0, diskGib: 0 };
  #nowS = 0;
  #nodeSeconds = 0;
  readonly #count = { peakNodes: 0, placed: 0, rejected: 0, migrations: 0, events: 0 };

  constructor(arrivals: Arrivals, options: PackingOptions) {
    this.#arrivals = arrivals;
    this.#options = options;
    this.#tiles = new TiledArrivals(arrivals, options.offsetsS);
    this.#fleet = buildFleet(uniformFleet(options.nodes, options.node));
    this.#residents = new Residents(options.nodes);
    this.#outlook = options.learn ? new Outlook(this.#fleet, this.#residents, arrivals) : undefined;
    this.#energy = new EnergyMeter(this.#fleet, options.power, options.offsetsS.length);
    this.#nodeOf = new Int32Array(this.#tiles.instances).fill(-1);
    for (let node = options.nodes - 1; node >= 0; node--) this.#closed.push(node);
  }

  run(): PackingSummary {
    const { endS, relearnIntervalS, migrationsPer1000 } = this.#options;
    this.#nowS = this.#tiles.nextTimeS();
    let [relearnS, drainS] = [this.#nowS + relearnIntervalS, this.#nowS];
    for (let atS = this.#nowS; atS <= endS; atS = this.#tiles.nextTimeS()) {
      this.#passTo(atS);
      this.#tiles.departuresUntil(atS, (request, instance) => this.#depart(request, instance));
      if (atS >= relearnS) {
        this.#outlook?.relearn(atS);
        relearnS = atS + relearnIntervalS;
      }
      if (migrationsPer1000 > 0 && atS >= drainS) {
        this.#drain();
        drainS = atS + DRAIN_INTERVAL_S;
      }
      this.#arriveDue();
    }
    this.#passTo(endS);
    this.#chargeLive();
    return { ...this.#count, nodeHours: this.#nodeSeconds / 3600, ...this.#energy.shares() };
  }

  get #open(): number {
    return this.#fleet.size - this.#closed.length;
  }

  #passTo(atS: number): void {
    this.#nodeSeconds += this.#open * (atS - this.#nowS);
    this.#nowS = atS;
  }

  #arriveDue(): void {
    const due = this.#tiles.arrivalsUntil(this.#nowS);
    const order = this.#outlook ? this.#outlook.longLivedFirst(due, this.#tiles) : due;
    for (const instance of order) this.#arrive(this.#tiles.requestOf(instance), instance);
  }

  #arrive(request: number, instance: number): void {
    this.#count.events += 1;
    const ask = this.#load(request);
    let node = choose(this.#fleet, ask, this.#options.policy);
    if (node < 0) node = this.#openNode();
    if (node < 0) {
      this.#count.rejected += 1;
      return;
    }
    this.#energy.settle(node, this.#nowS);
    const cell = this.#outlook?.arrived(request, node) ?? 0;
    this.#fleet.apply(node, ask, this.#outlook?.levelOf(node));
    this.#nodeOf[instance] = node;
    this.#residents.add(node, instance, this.#nowS, cell, this.#energy.joulesPerCpuMilli(node));
    this.#count.placed += 1;
  }

  #depart(request: number, instance: number): void {
    const node = this.#nodeOf[instance]!;
    if (node < 0) return;
    this.#count.events += 1;
    const place = this.#residents.placeOf(node, instance);
    this.#energy.settle(node, this.#nowS);
    this.#charge(node, place);
    this.#outlook?.departed(this.#residents.cell[place]!, node, this.#nowS - this.#residents.startS[place]!);
    this.#fleet.release(node, this.#load(request), this.#outlook?.levelOf(node));
    this.#residents.remove(node, place);
    if (this.#fleet.residents[node] === 0) this.#closeNode(node);
  }

  #drain(): void {
    const { fleet, residents, tiles } = { fleet: this.#fleet, residents: this.#residents, tiles: this.#tiles };
    const budget = (this.#options.migrationsPer1000 * this.#count.placed) / 1000 - this.#count.migrations;
    const emptied = drainFew(
      {
        fleet,
        residents,
        policy: this.#options.policy,
        requestOf: (instance) => this.#load(tiles.requestOf(instance)),
        settle: (node) => this.#energy.settle(node, this.#nowS),
        moved: (instance, from, to) => this.#moved(instance, from, to),
      },
      budget,
    );
    for (const node of emptied) this.#closeNode(node);
  }

  #moved(instance: number, from: number, to: number): void {
    const residents = this.#residents;
    const place = residents.placeOf(from, instance);
    const [startS, cell] = [residents.startS[place]!, residents.cell[place]!];
    this.#energy.settle(from, this.#nowS);
    this.#chargeCpu(from, place);
    this.#outlook?.moved(cell, from, to);
    this.#fleet.release(from, this.#load(this.#tiles.requestOf(instance)), this.#outlook?.levelOf(from));
    if (this.#outlook) this.#fleet.setStay(to, this.#outlook.levelOf(to));
    residents.remove(from, place);
    residents.add(to, instance, startS, cell, this.#energy.joulesPerCpuMilli(to));
    this.#nodeOf[instance] = to;
    this.#count.migrations += 1;
  }

  /** An instance goes from a settled node. */
  #chargeCpu(node: number, place: number): void {
    const instance = this.#residents.instance[place]!;
    const cpuMillis = this.#arrivals.cpuMillis[this.#tiles.requestOf(instance)]!;
    this.#energy.chargeCpu(this.#tiles.tileOf(instance), cpuMillis, node, this.#residents.sinceJoules[place]!);
  }

  /** An instance ends, or the replay does. */
  #charge(node: number, place: number): void {
    const instance = this.#residents.instance[place]!;
    const memoryMib = this.#arrivals.memoryMib[this.#tiles.requestOf(instance)]!;
    this.#chargeCpu(node, place);
    this.#energy.chargeMemory(this.#tiles.tileOf(instance), memoryMib, this.#nowS - this.#residents.startS[place]!);
  }

  #chargeLive(): void {
    for (let node = 0; node < this.#fleet.size; node++) {
      this.#energy.settle(node, this.#nowS);
      const end = this.#residents.endOf(node);
      for (let place = this.#residents.firstOf(node); place < end; place++) this.#charge(node, place);
    }
  }

  #load(request: number): Ask {
    this.#ask.cpuMillis = this.#arrivals.cpuMillis[request]!;
    this.#ask.memoryMib = this.#arrivals.memoryMib[request]!;
    return this.#ask;
  }

  /** A closed node, if one takes the request; -1 otherwise. */
  #openNode(): number {
    const node = this.#closed.at(-1);
    if (node === undefined || !this.#fleet.fits(node, this.#ask)) return -1;
    this.#closed.pop();
    this.#fleet.setFlags(node, 0);
    this.#count.peakNodes = Math.max(this.#count.peakNodes, this.#open);
    return node;
  }

  #closeNode(node: number): void {
    this.#fleet.setFlags(node, nodeFlags.asleep);
    this.#closed.push(node);
  }
}

function uniformFleet(nodes: number, capacity: ResourceAmounts): NodeSpec[] {
  return Array.from({ length: nodes }, (_, i) => ({ id: `n${i}`, capacity, asleep: true }));
}
