import type { FleetView } from '@berth/scheduling/fleet.js';
import { BANDS, bandEndS } from '@berth/scheduling/lifetime/bands.js';
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

  /** An instance begins on a node. Gives its cell. */
  arrived(request: number, node: number): number {
    const cell = this.#model.cellOf(this.#group[request]!, 0);
    this.#model.arrived(cell);
    this.#stay.add(node, cell);
    return cell;
  }

  /** An instance of that cell ends on a node at age `ageS`. */
  departed(cell: number, node: number, ageS: number): void {
    this.#model.ended(cell, ageS);
    this.#stay.remove(node, cell);
  }

  /** An instance of that cell moves from one node to another. */
  moved(cell: number, from: number, to: number): void {
    this.#stay.remove(from, cell);
    this.#stay.add(to, cell);
  }

  /** How long a node will stay in use with what is there now: what the fleet is to be told. */
  levelOf(node: number): number {
    return this.#stay.levelOf(node);
  }

  /** Ages every live instance, learns, and looks at each node afresh. */
  relearn(nowS: number): void {
    const { cell, startS } = this.#residents;
    for (let node = 0; node < this.#fleet.size; node++) {
      const end = this.#residents.endOf(node);
      for (let place = this.#residents.firstOf(node); place < end; place++) {
        const [was, ageS] = [cell[place]!, nowS - startS[place]!];
        if (ageS >= bandEndS(was % BANDS)) cell[place] = this.#model.aged(was, ageS);
      }
    }
    this.#model.relearn();
    this.#rank = this.#ranks();
    for (let node = 0; node < this.#fleet.size; node++) {
      const [first, end] = [this.#residents.firstOf(node), this.#residents.endOf(node)];
      if (end === first) continue;
      this.#stay.renew(node, cell, first, end);
      const level = this.#stay.levelOf(node);
      if (level !== this.#fleet.stay[node]) this.#fleet.setStay(node, level);
    }
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
