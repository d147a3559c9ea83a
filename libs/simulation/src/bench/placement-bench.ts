import { STAY_LEVELS } from '@berth/scheduling/capacity-index.js';
import { buildFleet } from '@berth/scheduling/fleet.js';
import type { FleetView, NodeSpec } from '@berth/scheduling/fleet.js';
import { choose } from '@berth/scheduling/place.js';
import type { Policy } from '@berth/scheduling/policy.js';
import type { PlacementRequest } from '@berth/scheduling/request.js';
import type { Random } from '../random.js';

/** Instances that live at once beside those the fleet begins with. */
const LIVE = 2_000;

/**
 * A fleet three quarters full, on which instances come and go: each step chooses a node, books it, and releases the
 * instance placed `LIVE` steps before. Requests go round.
 */
export class PlacementBench {
  readonly #fleet: FleetView;
  readonly #requests: readonly PlacementRequest[];
  readonly #policy: Policy;
  readonly #nodeOf = new Int32Array(LIVE).fill(-1);
  #slot = 0;
  #next = 0;
  unplaced = 0;

  constructor(nodes: readonly NodeSpec[], requests: readonly PlacementRequest[], policy: Policy, random: Random) {
    if (requests.length % LIVE !== 0) throw new RangeError(`requests must come in multiples of ${LIVE}`);
    this.#fleet = buildFleet(nodes);
    this.#requests = requests;
    this.#policy = policy;
    for (let node = 0; node < this.#fleet.size; node++) {
      const share = 0.5 + random.next() / 2;
      const { cpuMillis, memoryMib } = this.#fleet.allocatable;
      const load = {
        cpuMillis: Math.floor((share * cpuMillis[node]!) / 1000) * 1000,
        memoryMib: Math.floor((share * (0.8 + 0.2 * random.next()) * memoryMib[node]!) / 256) * 256,
        diskGib: 100,
      };
      this.#fleet.apply(node, load);
      if (policy.scorers.some(({ scorer }) => scorer.name === 'stay'))
        this.#fleet.setStay(node, Math.floor(random.next() * STAY_LEVELS));
    }
  }

  /** One placement, with its booking and the release of an older one. */
  step(): void {
    const [slot, next] = [this.#slot, this.#next];
    const request = this.#requests[next]!;
    const leaving = this.#nodeOf[slot]!;
    const oldest = next < LIVE ? next - LIVE + this.#requests.length : next - LIVE;
    if (leaving >= 0) this.#fleet.release(leaving, this.#requests[oldest]!);
    const node = choose(this.#fleet, request, this.#policy);
    if (node >= 0) this.#fleet.apply(node, request);
    else this.unplaced += 1;
    this.#nodeOf[slot] = node;
    this.#slot = slot + 1 < LIVE ? slot + 1 : 0;
    this.#next = next + 1 < this.#requests.length ? next + 1 : 0;
  }
}
