import { choose } from '../place.js';
import type { Policy } from '../policy.js';
import type { ConsolidationPlan, ConsolidationView, Consolidator } from './plan.js';
import { nodesToSleep, nodesToWake } from './power-plan.js';

/** Places once by nominal size and never moves anything; empty nodes sleep. */
export class StaticConsolidator implements Consolidator {
  constructor(
    readonly name: string,
    private readonly policy: Policy,
  ) {}

  admit({ fleet, instances }: ConsolidationView, arrivals: readonly number[]): number[] {
    return arrivals.map((instance) => {
      const request = instances.requests[instance]!;
      const node = choose(fleet, request, this.policy);
      if (node >= 0) fleet.apply(node, request);
      return node;
    });
  }

  decide(view: ConsolidationView): ConsolidationPlan {
    const wake = nodesToWake(view, view.waiting > 0 && !view.starting.includes(1) ? 1 : 0);
    return { moves: [], wake, sleep: nodesToSleep(view, 0) };
  }
}
