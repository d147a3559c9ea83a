import { buildFleet, nodeFlags } from '@berth/scheduling/fleet.js';
import type { FleetView, NodeSpec } from '@berth/scheduling/fleet.js';
import { choose } from '@berth/scheduling/place.js';
import type { Policy } from '@berth/scheduling/policy.js';
import type { PlacementRequest, ResourceAmounts } from '@berth/scheduling/request.js';
import type { PowerCurve } from '../power/curve.js';
import type { Arrivals } from './arrivals.js';
import { drainFew } from './drain.js';
import { EnergyMeter } from './energy-meter.js';
import { Outlook } from './outlook.js';
import { Residents } from './residents.js';
import { TiledArrivals } from './tiled-arrivals.js';

export interface PackingOptions {
  readonly node: ResourceAmounts;
  readonly nodes: number;
  readonly policy: Policy;
  /** Whether lifetimes are learned on the way, for policies that ask how long nodes stay. */
  readonly learn: boolean;
  /** The trace is replayed once for each offset, so much later. */
  readonly offsetsS: readonly number[];
  readonly endS: number;
  readonly relearnIntervalS: number;
  /** Moves allowed for every thousand instances placed so far; 0 = no live migration. */
  readonly migrationsPer1000: number;
  /** Of every node; energy is counted when it is given. */
  readonly power?: PowerCurve;
}

export interface PackingSummary {
  readonly nodeHours: number;
  readonly peakNodes: number;
  readonly placed: number;
  readonly rejected: number;
  readonly migrations: number;
  readonly events: number;
  /** 0 without a power curve. */
  readonly energyKwh: number;
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
  readonly #energy: EnergyMeter | undefined;
  readonly #slotOf: Int32Array;
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
    this.#energy = options.power ? new EnergyMeter(this.#fleet, options.power) : undefined;
    this.#slotOf = new Int32Array(this.#tiles.instances).fill(-1);
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
        this.#outlook?.relearn(atS, (instance) => this.#tiles.requestOf(instance));
        relearnS = atS + relearnIntervalS;
      }
      if (migrationsPer1000 > 0 && atS >= drainS) {
        this.#drain();
        drainS = atS + DRAIN_INTERVAL_S;
      }
      this.#arriveDue();
    }
    this.#passTo(endS);
    const energyKwh = this.#energy?.kwhAt(endS) ?? 0;
    return { ...this.#count, nodeHours: this.#nodeSeconds / 3600, energyKwh };
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
    this.#energy?.settle(node, this.#nowS);
    this.#fleet.apply(node, ask);
    this.#slotOf[instance] = this.#residents.add(instance, node, this.#nowS);
    this.#outlook?.arrived(request, node);
    this.#count.placed += 1;
  }

  #depart(request: number, instance: number): void {
    const slot = this.#slotOf[instance]!;
    if (slot < 0) return;
    this.#count.events += 1;
    const node = this.#residents.node[slot]!;
    this.#energy?.settle(node, this.#nowS);
    this.#fleet.release(node, this.#load(request));
    this.#outlook?.departed(request, slot, this.#nowS);
    this.#residents.remove(slot);
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
        moved: (slot, from, to) => this.#moved(slot, from, to),
      },
      budget,
    );
    for (const node of emptied) this.#closeNode(node);
  }

  #moved(slot: number, from: number, to: number): void {
    const request = this.#tiles.requestOf(this.#residents.instance[slot]!);
    this.#energy?.settle(from, this.#nowS);
    this.#fleet.release(from, this.#load(request));
    this.#outlook?.left(request, slot);
    this.#residents.move(slot, to);
    this.#outlook?.joined(request, slot);
    this.#count.migrations += 1;
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
