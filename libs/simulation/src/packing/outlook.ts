import { bandOf } from '@berth/scheduling/lifetime/bands.js';
import type { FleetView } from '@berth/scheduling/fleet.js';
import { LifetimeModel } from '@berth/scheduling/lifetime/lifetime-model.js';
import { NodeStay } from '@berth/scheduling/lifetime/node-stay.js';
import { batchSizes } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import type { Residents } from './residents.js';

/** Learns lifetimes while a replay runs, and tells the fleet how long each node will stay in use. */
export class Outlook {
  readonly #model = new LifetimeModel();
  readonly #stay: NodeStay;
  readonly #fleet: FleetView;
  readonly #residents: Residents;
  /** The model's group of each request. */
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

  get ranks(): number {
    return this.#rank.length;
  }

  /** Where a request stands in its batch: the long-lived come first. */
  rankOf(request: number): number {
    return this.#rank[this.#group[request]!]!;
  }

  arrived(request: number, node: number): void {
    const group = this.#group[request]!;
    this.#model.arrived(group);
    this.#stay.add(node, this.#model.rowOf(group, 0));
    this.#fleet.setStay(node, this.#stay.levelOf(node));
  }

  departed(request: number, slot: number, ageS: number): void {
    const [group, band] = [this.#group[request]!, this.#residents.band[slot]!];
    this.#model.ended(group, band, ageS);
    this.left(request, slot);
  }

  /** An instance goes from its node, by departure or by migration. */
  left(request: number, slot: number): void {
    const node = this.#residents.node[slot]!;
    if (this.#fleet.residents[node] === 0) this.#stay.clear(node);
    else this.#stay.remove(node, this.#model.rowOf(this.#group[request]!, this.#residents.band[slot]!));
    this.#fleet.setStay(node, this.#stay.levelOf(node));
  }

  /** An instance comes to a node by migration; its slot is there already. */
  moved(request: number, slot: number): void {
    const node = this.#residents.node[slot]!;
    this.#stay.add(node, this.#model.rowOf(this.#group[request]!, this.#residents.band[slot]!));
    this.#fleet.setStay(node, this.#stay.levelOf(node));
  }

  /** Ages every live instance, learns, and looks at each node afresh. */
  relearn(ageOf: (instance: number) => number, requestOf: (instance: number) => number): void {
    const { band, instance, next } = this.#residents;
    this.#eachSlot((slot) => {
      const now = bandOf(ageOf(instance[slot]!));
      if (now === band[slot]) return;
      this.#model.aged(this.#group[requestOf(instance[slot]!)]!, band[slot]!, now);
      band[slot] = now;
    });
    this.#model.relearn();
    this.#rank = this.#ranks();
    for (let node = 0; node < this.#fleet.size; node++) {
      this.#stay.clear(node);
      for (let slot = this.#residents.headOf(node); slot >= 0; slot = next[slot]!) {
        this.#stay.add(node, this.#model.rowOf(this.#group[requestOf(instance[slot]!)]!, band[slot]!));
      }
      this.#fleet.setStay(node, this.#stay.levelOf(node));
    }
  }

  #eachSlot(visit: (slot: number) => void): void {
    for (let node = 0; node < this.#fleet.size; node++) {
      for (let slot = this.#residents.headOf(node); slot >= 0; slot = this.#residents.next[slot]!) visit(slot);
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
