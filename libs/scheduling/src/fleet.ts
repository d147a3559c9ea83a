import { CapacityIndex, STAY_LEVELS } from './capacity-index.js';
import { GroupTable } from './groups.js';
import { KindTable } from './kinds.js';
import { NameTable } from './names.js';
import { OpenDomains } from './open-domains.js';
import { resourceNames } from './request.js';
import type { PlacementRequest, ResourceAmounts, ResourceName } from './request.js';
import { TraitTable } from './traits.js';
import type { Trait } from './traits.js';

/** Why a node takes no placement now; 0 = it does. */
export const nodeFlags = { unreachable: 1, cordoned: 2, asleep: 4 } as const;

/** One node, as a row of the database or a line of a model gives it. */
export interface NodeSpec extends Partial<Trait> {
  readonly id: string;
  readonly zone?: string;
  readonly rack?: string;
  /** Physical size. */
  readonly capacity: ResourceAmounts;
  /** As the node itself states it; absent = capacity times the overcommit ratio. */
  readonly allocatable?: ResourceAmounts;
  /** Allocatable / physical, each resource; 1 when absent. */
  readonly overcommitRatio?: Partial<ResourceAmounts>;
  /** Watts at full load. */
  readonly peakWatts?: number;
  readonly reachable?: boolean;
  readonly cordoned?: boolean;
  readonly asleep?: boolean;
}

/** What lies on a node and takes capacity: a live instance or an open reservation. */
export interface ResidentSpec extends Booking {
  readonly node: string;
}

/** The part of a request that `apply` and `release` book. */
export type Booking = Pick<PlacementRequest, 'cpuMillis' | 'memoryMib' | 'diskGib' | 'group'>;

/** One number per node, each resource. */
export type ResourceColumns = Readonly<Record<ResourceName, Int32Array>>;

/**
 * The fleet as columns: one slot per node, numbers only. Built by `buildFleet`, changed by `apply`, `release` and
 * `setFlags`; everything else reads.
 */
export class FleetView {
  readonly size: number;
  readonly names = new NameTable();
  readonly zones = new NameTable();
  readonly racks = new NameTable();
  readonly traits = new TraitTable();
  readonly kinds = new KindTable();
  readonly groups = new GroupTable();

  /** Physical size. */
  readonly capacity: ResourceColumns;
  /** What may be booked: as stated, or capacity times the overcommit ratio, rounded down. */
  readonly allocatable: ResourceColumns;
  /** Allocatable minus allocated. Negative when a node shrank under its load. */
  readonly free: ResourceColumns;
  readonly residents: Int32Array;
  /** Trait, zone and size, interned. */
  readonly kind: Int32Array;
  readonly zone: Int32Array;
  readonly rack: Int32Array;
  readonly flags: Uint8Array;
  /** How long a node is expected to stay in use, 0 (soon empty) to `STAY_LEVELS` - 1; all 0 when nobody says. */
  readonly stay: Uint8Array;
  /** Nodes by kind, and by size alone: the same index when that is the same. */
  readonly byKind: CapacityIndex;
  readonly bySize: CapacityIndex;
  /** Counts changes to nodes, and names the node changed last: who saw the fleet before knows what is still true. */
  revision = 0;
  lastChanged = -1;
  /** Zones and racks with the number of their nodes that take placements now: the domains a spread counts over. */
  readonly openZones = new OpenDomains();
  readonly openRacks = new OpenDomains();

  constructor(nodes: readonly NodeSpec[]) {
    this.size = nodes.length;
    [this.capacity, this.allocatable, this.free] = [columns(this.size), columns(this.size), columns(this.size)];
    this.residents = new Int32Array(this.size);
    this.kind = new Int32Array(this.size);
    this.zone = new Int32Array(this.size);
    this.rack = new Int32Array(this.size);
    this.flags = new Uint8Array(this.size);
    this.stay = new Uint8Array(this.size);
    nodes.forEach((spec, node) => this.#add(spec, node));
    this.byKind = new CapacityIndex(this, this.kind);
    const sizes = this.kind.map((kind) => this.kinds.at(kind).size.index);
    const alike = this.kinds.count === this.kinds.sizes.length;
    this.bySize = alike ? this.byKind : new CapacityIndex(this, sizes);
  }

  /** The slot of a node. Throws when the fleet has no node of that id. */
  slotOf(nodeId: string): number {
    const node = this.names.indexOf(nodeId);
    if (node < 0) throw new RangeError(`no node ${nodeId} in the fleet`);
    return node;
  }

  fits(node: number, { cpuMillis, memoryMib, diskGib }: ResourceAmounts): boolean {
    const { free } = this;
    return cpuMillis <= free.cpuMillis[node]! && memoryMib <= free.memoryMib[node]! && diskGib <= free.diskGib[node]!;
  }

  /**
   * Books an instance on a node, and says in the same step how long the node is then expected to stay in use. Throws
   * when it does not fit: no plan may go over allocatable.
   */
  apply(node: number, booking: Booking, stay = this.stay[node]!): void {
    if (!this.fits(node, booking)) throw new RangeError(`over allocatable: node ${this.names.nameOf(node)}`);
    this.stay[node] = checkedStay(stay);
    this.adopt(node, booking);
  }

  /** The inverse of `apply`. */
  release(node: number, booking: Booking, stay = this.stay[node]!): void {
    if (this.residents[node] === 0) throw new RangeError(`nothing to release on ${this.names.nameOf(node)}`);
    this.stay[node] = checkedStay(stay);
    this.#book(node, booking, -1);
    if (booking.group) this.groups.leave(booking.group.name, node, this.zone[node]!, this.rack[node]!);
  }

  /** Sets all flags of a node at once (`nodeFlags`, or-ed). */
  setFlags(node: number, flags: number): void {
    this.#countOpen(node, -1);
    this.flags[node] = flags;
    this.#countOpen(node, 1);
    this.#reindex(node);
  }

  /** Says how long a node is expected to stay in use. */
  setStay(node: number, level: number): void {
    this.stay[node] = checkedStay(level);
    this.#reindex(node);
  }

  /** Books what is already there, whether or not it still fits. */
  adopt(node: number, booking: Booking): void {
    this.#book(node, booking, 1);
    if (booking.group) this.groups.join(booking.group.name, node, this.zone[node]!, this.rack[node]!);
  }

  #book(node: number, amounts: ResourceAmounts, sign: 1 | -1): void {
    this.free.cpuMillis[node]! -= sign * amounts.cpuMillis;
    this.free.memoryMib[node]! -= sign * amounts.memoryMib;
    this.free.diskGib[node]! -= sign * amounts.diskGib;
    this.residents[node]! += sign;
    this.#reindex(node);
  }

  #add(spec: NodeSpec, node: number): void {
    if (this.names.intern(spec.id) !== node) throw new Error(`node ${spec.id} is in the fleet twice`);
    const { capacity, overcommitRatio: ratio } = spec;
    for (const resource of resourceNames) {
      const allocatable = spec.allocatable?.[resource] ?? Math.floor(capacity[resource] * (ratio?.[resource] ?? 1));
      this.capacity[resource][node] = capacity[resource];
      this.allocatable[resource][node] = allocatable;
      this.free[resource][node] = allocatable;
    }
    const { drivers = [], labels = {}, taints = [] } = spec;
    this.zone[node] = this.zones.intern(spec.zone ?? '');
    const trait = this.traits.intern({ drivers, labels, taints });
    const wattsPerCpu = capacity.cpuMillis > 0 ? ((spec.peakWatts ?? 0) * 1000) / capacity.cpuMillis : 0;
    const { cpuMillis, memoryMib } = this.allocatable;
    const size = this.kinds.internSize(cpuMillis[node]!, memoryMib[node]!, wattsPerCpu);
    this.kind[node] = this.kinds.intern(trait, this.zone[node], size);
    // A rack is named within its zone: "r1" of two zones are two racks.
    this.rack[node] = this.racks.intern(`${spec.zone ?? ''}/${spec.rack ?? ''}`);
    this.flags[node] =
      (spec.reachable === false ? nodeFlags.unreachable : 0) |
      (spec.cordoned === true ? nodeFlags.cordoned : 0) |
      (spec.asleep === true ? nodeFlags.asleep : 0);
    this.#countOpen(node, 1);
  }

  #reindex(node: number): void {
    this.revision += 1;
    this.lastChanged = node;
    this.byKind.update(node);
    if (this.bySize !== this.byKind) this.bySize.update(node);
  }

  #countOpen(node: number, by: 1 | -1): void {
    if (this.flags[node] !== 0) return;
    this.openZones.count(this.zone[node]!, by);
    this.openRacks.count(this.rack[node]!, by);
  }
}

/** The one builder: the live scheduler feeds it rows, the simulator its model. */
export function buildFleet(nodes: readonly NodeSpec[], residents: Iterable<ResidentSpec> = []): FleetView {
  const fleet = new FleetView(nodes);
  for (const resident of residents) fleet.adopt(fleet.slotOf(resident.node), resident);
  return fleet;
}

function checkedStay(level: number): number {
  if (level < 0 || level >= STAY_LEVELS) throw new RangeError(`stay level ${level}`);
  return level;
}

function columns(size: number): ResourceColumns {
  return { cpuMillis: new Int32Array(size), memoryMib: new Int32Array(size), diskGib: new Int32Array(size) };
}
