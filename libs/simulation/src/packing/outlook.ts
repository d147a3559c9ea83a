import type { FleetView } from '@berth/scheduling/fleet.js';
import { bandOf } from '@berth/scheduling/lifetime/bands.js';
import { LifetimeModel } from '@berth/scheduling/lifetime/lifetime-model.js';
import { NodeStay } from '@berth/scheduling/lifetime/node-stay.js';
import { batchSizes } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import type { Residents } from './residents.js';
import type { TiledArrivals } from './tiled-arrivals.js';

/** Learns lifetimes while a replay runs, and tells the fleet how long each node will stay in use. */
export class Outlook {
  readonly #model = new LifetimeModel();
  readonly #stay: NodeStay;
  readonly #fleet: FleetView;
  readonly #residents: Residents;
  /** The model's group of each request, and the place of each group in a batch. */
  readonly #group: Int32Array;
  #rank: Int32Array;

  constructor(fleet: FleetView, residents: Residents, arrivals: Arrivals) {
    this.#fleet = fleet;
    this.#residents = residents;
    this.#stay = new NodeStay(this.#model, fleet.size);
    const sizes = batchSizes(arrivals);
    this.#group = Int32Array.from(sizes, (batchSize, i) => {
      const [cpuMillis, memoryMib] = [arrivals.cpuMillis[i]!, arrivals.memoryMib[i]!];
      return this.#model.groupOf({ project: '', cpuMillis, memoryMib, batchSize });
    });
    this.#rank = this.#ranks();
  }

  /** The same instances, those of long-lived groups first, otherwise in order: one counting sort. */
  longLivedFirst(instances: readonly number[], tiles: TiledArrivals): Int32Array {
    const rankOf = (instance: number): number => this.#rank[this.#group[tiles.requestOf(instance)]!]!;
    const start = new Int32Array(this.#rank.length + 1);
    for (const instance of instances) start[rankOf(instance) + 1]! += 1;
    for (let rank = 0; rank < this.#rank.length; rank++) start[rank + 1]! += start[rank]!;
    const sorted = new Int32Array(instances.length);
    for (const instance of instances) sorted[start[rankOf(instance)]!++] = instance;
    return sorted;
  }

  arrived(request: number, node: number): void {
    const group = this.#group[request]!;
    this.#model.arrived(group);
    this.#stay.add(node, this.#model.rowOf(group, 0));
    this.#show(node);
  }

  departed(request: number, slot: number, nowS: number): void {
    const { band, startS } = this.#residents;
    this.#model.ended(this.#group[request]!, band[slot]!, nowS - startS[slot]!);
    this.left(request, slot);
  }

  /** An instance goes from its node, by departure or by migration; its slot still says from where. */
  left(request: number, slot: number): void {
    const node = this.#residents.node[slot]!;
    if (this.#fleet.residents[node] === 0) this.#stay.clear(node);
    else this.#stay.remove(node, this.#row(request, slot));
    this.#show(node);
  }

  /** An instance comes to a node by migration; its slot says where already. */
  joined(request: number, slot: number): void {
    const node = this.#residents.node[slot]!;
    this.#stay.add(node, this.#row(request, slot));
    this.#show(node);
  }

  /** Ages every live instance, learns, and looks at each node afresh. */
  relearn(nowS: number, requestOf: (instance: number) => number): void {
    const { band, instance, node, slots, startS } = this.#residents;
    const group = new Int32Array(slots);
    for (let slot = 0; slot < slots; slot++) {
      if (instance[slot]! < 0) continue;
      group[slot] = this.#group[requestOf(instance[slot]!)]!;
      const now = bandOf(nowS - startS[slot]!);
      if (now === band[slot]) continue;
      this.#model.aged(group[slot]!, band[slot]!, now);
      band[slot] = now;
    }
    this.#model.relearn();
    this.#rank = this.#ranks();
    for (let each = 0; each < this.#fleet.size; each++) this.#stay.clear(each);
    for (let slot = 0; slot < slots; slot++) {
      if (instance[slot]! >= 0) this.#stay.add(node[slot]!, this.#model.rowOf(group[slot]!, band[slot]!));
    }
    for (let each = 0; each < this.#fleet.size; each++) this.#show(each);
  }

  #row(request: number, slot: number): number {
    return this.#model.rowOf(this.#group[request]!, this.#residents.band[slot]!);
  }

  #show(node: number): void {
    this.#fleet.setStay(node, this.#stay.levelOf(node));
  }

  #ranks(): Int32Array {
    const order = Array.from({ length: this.#model.groups }, (_, group) => group);
    const longevity = order.map((group) => this.#model.longevity(group));
    order.sort((a, b) => longevity[b]! - longevity[a]!);
    const ranks = new Int32Array(order.length);
    order.forEach((group, rank) => (ranks[group] = rank));
    return ranks;
  }
}
