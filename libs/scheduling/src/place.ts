import { counterfactuals } from './counterfactual.js';
import type { Placement, Unplaceable } from './decision.js';
import { explain, sentenceOf } from './explain.js';
import type { FleetView } from './fleet.js';
import type { Policy } from './policy.js';
import type { PlacementRequest } from './request.js';

/** The node for a request: highest total score, the earliest of equals; -1 when no node passes every filter. */
export function choose(fleet: FleetView, request: PlacementRequest, policy: Policy): number {
  let best = -1;
  let bestScore = -Infinity;
  for (let node = 0; node < fleet.size; node++) {
    if (!policy.filters.every((filter) => filter.admits(fleet, request, node))) continue;
    const score = totalScore(fleet, request, policy, node);
    if (score > bestScore) [best, bestScore] = [node, score];
  }
  return best;
}

/** Decides and explains. Changes nothing: book the answer with `fleet.apply`. */
export function place(fleet: FleetView, request: PlacementRequest, policy: Policy): Placement | Unplaceable {
  const node = choose(fleet, request, policy);
  const explanation = explain(fleet, request, policy);
  if (node >= 0) return { placed: true, requestId: request.id, node: fleet.names.nameOf(node), explanation };
  const wouldFit = counterfactuals(fleet, request, policy);
  const sentence = sentenceOf(explanation, wouldFit);
  return { placed: false, requestId: request.id, explanation, counterfactuals: wouldFit, sentence };
}

/**
 * Decides many, each in sight of the ones before: higher priority first, then larger first. Books what it places on
 * `fleet`. Answers in the order of `requests`.
 */
export function placeBatch(
  fleet: FleetView,
  requests: readonly PlacementRequest[],
  policy: Policy,
): (Placement | Unplaceable)[] {
  const order = requests.map((_, index) => index);
  order.sort((a, b) => byUrgency(requests[a]!, requests[b]!) || a - b);
  const decisions = new Array<Placement | Unplaceable>(requests.length);
  for (const index of order) {
    const request = requests[index]!;
    const decision = place(fleet, request, policy);
    if (decision.placed) fleet.apply(fleet.slotOf(decision.node), request);
    decisions[index] = decision;
  }
  return decisions;
}

export function totalScore(fleet: FleetView, request: PlacementRequest, policy: Policy, node: number): number {
  let total = 0;
  for (const { scorer, weight } of policy.scorers) total += weight * scorer.score(fleet, request, node);
  return total;
}

function byUrgency(a: PlacementRequest, b: PlacementRequest): number {
  return b.priority - a.priority || b.memoryMib - a.memoryMib || b.cpuMillis - a.cpuMillis;
}
