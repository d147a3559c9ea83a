import { buildFleet, nodeFlags } from '@berth/scheduling/fleet.js';
import type { FleetView, NodeSpec } from '@berth/scheduling/fleet.js';
import { choose } from '@berth/scheduling/place.js';
import type { Policy } from '@berth/scheduling/policy.js';
import type { ResourceAmounts } from '@berth/scheduling/request.js';
import { departureOrder } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import { Outlook } from './outlook.js';
import { Residents } from './residents.js';

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
}

export interface PackingSummary {
  readonly nodeHours: number;
  readonly peakNodes: number;
  readonly placed: number;
  readonly rejected: number;
  readonly migrations: number;
  readonly events: number;
}

/** A request as the core takes it; one object serves the whole replay. */
interface Ask {
  id: string;
  project: string;
  priority: number;
  cpuMillis: number;
  memoryMib: number;
  diskGib: number;
}

/**
 * Replays arrivals and departures on a uniform fleet. At one instant departures come first; all that arrives at one
 * instant is placed as one batch. A node is opened only when none in use takes the request, and closed when empty.
 */
export class PackingReplay {
  readonly #arrivals: Arrivals;
  readonly #options: PackingOptions;
  readonly #fleet: FleetView;
  readonly #residents: Residents;
  readonly #outlook: Outlook | undefined;
  readonly #departures: Int32Array;
  readonly #slotOf: Int32Array;
  readonly #closed: number[] = [];
  readonly #ask: Ask = { id: '', project: '', priority: 0, cpuMillis: 0, memoryMib: 0, diskGib: 0 };
  readonly #nextArrival: Int32Array;
  readonly #nextDeparture: Int32Array;
  #nowS = 0;
  #open = 0;
  #nodeSeconds = 0;
  #peakNodes = 0;
  #placed = 0;
  #rejected = 0;
  #migrations = 0;
  #events = 0;

  constructor(arrivals: Arrivals, options: PackingOptions) {
    this.#arrivals = arrivals;
    this.#options = options;
    const specs = Array.from({ length: options.nodes }, (_, i): NodeSpec => ({
      id: `n${i}`,
      capacity: options.node,
      asleep: true,
    }));
    this.#fleet = buildFleet(specs);
    this.#residents = new Residents(options.nodes);
    this.#outlook = options.learn ? new Outlook(this.#fleet, this.#residents, arrivals) : undefined;
    this.#departures = departureOrder(arrivals);
    this.#slotOf = new Int32Array(arrivals.count * options.offsetsS.length).fill(-1);
    this.#nextArrival = new Int32Array(options.offsetsS.length);
    this.#nextDeparture = new Int32Array(options.offsetsS.length);
    for (let node = options.nodes - 1; node >= 0; node--) this.#closed.push(node);
  }

  run(): PackingSummary {
    const { endS, relearnIntervalS } = this.#options;
    this.#nowS = this.#nextTime();
    let relearnS = this.#nowS + relearnIntervalS;
    for (let atS = this.#nowS; atS <= endS; atS = this.#nextTime()) {
      this.#nodeSeconds += this.#open * (atS - this.#nowS);
      this.#nowS = atS;
      this.#departDue();
      if (atS >= relearnS) {
        this.#outlook?.relearn(this.#ageOf, this.#requestOf);
        relearnS = atS + relearnIntervalS;
      }
      this.#arriveDue();
    }
    this.#nodeSeconds += this.#open * (endS - this.#nowS);
    const { ...counts } = {
      placed: this.#placed,
      rejected: this.#rejected,
      migrations: this.#migrations,
      events: this.#events,
    };
    return { nodeHours: this.#nodeSeconds / 3600, peakNodes: this.#peakNodes, ...counts };
  }

  readonly #requestOf = (instance: number): number => instance % this.#arrivals.count;

  readonly #ageOf = (instance: number): number => {
    const { count, startS } = this.#arrivals;
    return this.#nowS - startS[instance % count]! - this.#options.offsetsS[Math.floor(instance / count)]!;
  };

  #nextTime(): number {
    const { count, startS, endS } = this.#arrivals;
    let next = Infinity;
    this.#options.offsetsS.forEach((offsetS, tile) => {
      const [arrival, departure] = [this.#nextArrival[tile]!, this.#nextDeparture[tile]!];
      if (arrival < count) next = Math.min(next, startS[arrival]! + offsetS);
      if (departure < count) next = Math.min(next, endS[this.#departures[departure]!]! + offsetS);
    });
    return next;
  }

  #departDue(): void {
    const { count, endS } = this.#arrivals;
    this.#options.offsetsS.forEach((offsetS, tile) => {
      let next = this.#nextDeparture[tile]!;
      for (; next < count && endS[this.#departures[next]!]! + offsetS <= this.#nowS; next++) {
        this.#depart(this.#departures[next]!, tile * count + this.#departures[next]!);
      }
      this.#nextDeparture[tile] = next;
    });
  }

  #arriveDue(): void {
    const { count, startS } = this.#arrivals;
    const due: number[] = [];
    this.#options.offsetsS.forEach((offsetS, tile) => {
      let next = this.#nextArrival[tile]!;
      for (; next < count && startS[next]! + offsetS <= this.#nowS; next++) due.push(tile * count + next);
      this.#nextArrival[tile] = next;
    });
    if (this.#outlook) this.#longLivedFirst(due, this.#outlook);
    for (const instance of due) this.#arrive(instance % count, instance);
  }

  #longLivedFirst(due: number[], outlook: Outlook): void {
    const { cpuMillis } = this.#arrivals;
    due.sort((a, b) => {
      const [x, y] = [this.#requestOf(a), this.#requestOf(b)];
      return outlook.rankOf(x) - outlook.rankOf(y) || cpuMillis[y]! - cpuMillis[x]! || a - b;
    });
  }

  #arrive(request: number, instance: number): void {
    this.#events += 1;
    this.#load(request);
    let node = choose(this.#fleet, this.#ask, this.#options.policy);
    if (node < 0) node = this.#openNode();
    if (node < 0) {
      this.#rejected += 1;
      return;
    }
    this.#fleet.apply(node, this.#ask);
    this.#slotOf[instance] = this.#residents.add(instance, node);
    this.#outlook?.arrived(request, node);
    this.#placed += 1;
  }

  #depart(request: number, instance: number): void {
    const slot = this.#slotOf[instance]!;
    if (slot < 0) return;
    this.#events += 1;
    this.#load(request);
    const node = this.#residents.node[slot]!;
    this.#fleet.release(node, this.#ask);
    this.#outlook?.departed(request, slot, this.#ageOf(instance));
    this.#residents.remove(slot);
    if (this.#fleet.residents[node] === 0) this.#closeNode(node);
  }

  #load(request: number): void {
    this.#ask.cpuMillis = this.#arrivals.cpuMillis[request]!;
    this.#ask.memoryMib = this.#arrivals.memoryMib[request]!;
  }

  /** A closed node, if one takes the request; -1 otherwise. */
  #openNode(): number {
    const node = this.#closed.at(-1);
    if (node === undefined || !this.#fleet.fits(node, this.#ask)) return -1;
    this.#closed.pop();
    this.#fleet.setFlags(node, 0);
    this.#open += 1;
    this.#peakNodes = Math.max(this.#peakNodes, this.#open);
    return node;
  }

  #closeNode(node: number): void {
    this.#fleet.setFlags(node, nodeFlags.asleep);
    this.#closed.push(node);
    this.#open -= 1;
  }
}
