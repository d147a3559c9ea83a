import type { Counterfactual, Explanation, Finalist } from './decision.js';
import type { FleetView } from './fleet.js';
import type { Policy } from './policy.js';
import { prospectOf } from './prospect.js';
import type { PlacementRequest } from './request.js';

const FINALISTS = 3;

/**
 * Judges every node as the decision for `chosen` (-1: none) did. Slow by design: asked for one decision at a time,
 * never in a batch of millions.
 */
export function explain(fleet: FleetView, request: PlacementRequest, policy: Policy, chosen: number): Explanation {
  const rejected: Record<string, number> = {};
  const finalists: Finalist[] = [];
  let feasible = 0;
  for (let node = 0; node < fleet.size; node++) {
    const rejecting = policy.filters.find((filter) => !filter.admits(fleet, request, node));
    if (rejecting === undefined) {
      feasible += 1;
      enter(finalists, score(fleet, request, policy, node), node === chosen);
    } else {
      rejected[rejecting.name] = (rejected[rejecting.name] ?? 0) + 1;
    }
  }
  return { policy: policy.name, considered: fleet.size, feasible, rejected, finalists };
}

/** One sentence for people: what stood in the way, and the nearest way out. */
export function sentenceOf(explanation: Explanation, wouldFit: readonly Counterfactual[]): string {
  if (explanation.considered === 0) return 'no node fits: the fleet has no nodes';
  const counts = Object.entries(explanation.rejected)
    .sort(([, a], [, b]) => b - a)
    .map(([filter, count]) => `${filter} ${count}`);
  const reason = `none of ${explanation.considered} nodes fits (${counts.join(', ')})`;
  return wouldFit[0] === undefined ? reason : `${reason}; it ${wouldFit[0].sentence}`;
}

function score(fleet: FleetView, request: PlacementRequest, policy: Policy, node: number): Finalist {
  const scores: Record<string, number> = {};
  const prospect = prospectOf(fleet, request, node);
  let total = 0;
  for (const { scorer, weight } of policy.scorers) {
    const weighted = weight * scorer.score(prospect);
    scores[scorer.name] = weighted;
    total += weighted;
  }
  return { node: fleet.names.nameOf(node), score: total, scores };
}

/** Of equals the chosen one comes first, then the earlier one. */
function enter(finalists: Finalist[], candidate: Finalist, chosen: boolean): void {
  const rank = finalists.findIndex(({ score }) => candidate.score > score || (chosen && candidate.score === score));
  finalists.splice(rank < 0 ? finalists.length : rank, 0, candidate);
  if (finalists.length > FINALISTS) finalists.pop();
}
