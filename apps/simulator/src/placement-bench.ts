import { policies } from '@berth/scheduling/policy.js';
import { PlacementBench } from '@berth/simulation/bench/placement-bench.js';
import { timePlacements } from '@berth/simulation/bench/placement-timing.js';
import type { PlacementTiming } from '@berth/simulation/bench/placement-timing.js';
import {
  constrainedRequests,
  mixedFleet,
  plainFleet,
  plainRequests,
} from '@berth/simulation/bench/placement-workload.js';
import { seededRandom } from '@berth/simulation/random.js';
import { clocks, SEED } from './bench-clocks.js';

const placementWorkloads = {
  constrained: { fleetOf: mixedFleet, requestsOf: constrainedRequests, policy: policies.berth },
  plain: { fleetOf: plainFleet, requestsOf: plainRequests, policy: policies['best-fit'] },
} as const;

type PlacementWorkload = keyof typeof placementWorkloads;

interface PlacementRow extends PlacementTiming {
  readonly workload: PlacementWorkload;
  readonly nodes: number;
}

export function placementRow(workload: PlacementWorkload, nodes: number, count: number): PlacementRow {
  const { fleetOf, requestsOf, policy } = placementWorkloads[workload];
  const random = seededRandom(SEED);
  const fleet = fleetOf(nodes, random);
  const requests = requestsOf(200_000, random);
  return { workload, nodes, ...timePlacements(new PlacementBench(fleet, requests, policy, random), count, clocks) };
}
