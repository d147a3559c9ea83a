import { counterfactuals } from './counterfactual.js';
import type { Placement, Unplaceable } from './decision.js';
import { explain, sentenceOf } from './explain.js';
import type { FleetView } from './fleet.js';
import { totalScore } from './policy.js';
import type { Policy } from './policy.js';
import { prospectOf } from './prospect.js';
import type { PlacementRequest } from './request.js';
import { IndexWalk } from './walk.js';

/** Scratch space only: a walk remembers nothing that changes an answer. */
const walks = new WeakMap<Policy, IndexWalk>();
let lastWalk: IndexWalk | undefined;

/** The node for a request: one of the highest total score; -1 when no node passes every filter. */
export function choose(fleet: FleetView, request: PlacementRequest, policy: Policy): number {
  const { group } = request;
  if (group?.policy === 'affinity') {
    const members = fleet.groups.membersOf(group.name);
    if (members !== undefined) return bestOf(fleet, request, policy, members.nodes());
  }
  if (policy.scorers.length === 0) return firstOf(fleet, request, policy);
  if (policy !== lastWalk?.policy) lastWalk = walkOf(policy);
  return lastWalk.choose(fleet, request);
}

function walkOf(policy: Policy): IndexWalk {
  let walk = walks.get(policy);
  if (walk === undefined) walks.set(policy, (walk = new IndexWalk(policy)));
  return walk;
}

/** Decides and explains. Changes nothing: book the answer with `fleet.apply`. */
export function place(fleet: FleetView, request: PlacementRequest, policy: Policy): Placement | Unplaceable {
  const node = choose(fleet, request, policy);
  const explanation = explain(fleet, request, policy, node);
  if (node >= 0) return { placed: true, requestId: request.id, node: fleet.names.nameOf(node), explanation };
  const wouldFit = counterfactuals(fleet, request, policy);
  const sentence = sentenceOf(explanation, wouldFit);
  return { placed: false, requestId: request.id, explanation, counterfactuals: wouldFit, sentence };
}

/**
 * Decides many, each in sight of the ones before: higher priority first, then the long-lived, which so gather on the
 * nodes that stay while the newest nodes are left to the short-lived, then larger first. Books what it places on
 * `fleet`; `stayWith` then says how long the node stays in use. Answers in the order of `requests`.
 */
export function placeBatch(
  fleet: FleetView,
  requests: readonly PlacementRequest[],
  policy: Policy,
  stayWith: (index: number, node: number) => number = (_, node) => fleet.stay[node]!,
): (Placement | Unplaceable)[] {
  const order = requests.map((_, index) => index);
  order.sort((a, b) => byUrgency(requests[a]!, requests[b]!) || a - b);
  const decisions = Array.from<Placement | Unplaceable>({ length: requests.length });
  for (const index of order) {
    const request = requests[index]!;
    const decision = place(fleet, request, policy);
    if (decision.placed) {
      const node = fleet.slotOf(decision.node);
      fleet.apply(node, request, stayWith(index, node));
    }
    decisions[index] = decision;
  }
  return decisions;
}

/** The index does not pay where the nodes are few and named. */
function bestOf(fleet: FleetView, request: PlacementRequest, policy: Policy, nodes: Iterable<number>): number {
  let [best, bestScore] = [-1, -Infinity];
  for (const node of nodes) {
    if (!admits(fleet, request, policy, node)) continue;
    const score = totalScore(policy, prospectOf(fleet, request, node));
    if (score > bestScore) [best, bestScore] = [node, score];
  }
  return best;
}

function firstOf(fleet: FleetView, request: PlacementRequest, policy: Policy): number {
  for (let node = 0; node < fleet.size; node++) {
    if (fleet.fits(node, request) && admits(fleet, request, policy, node)) return node;
  }
  return -1;
}

/** Whether a node passes every filter. */
export function admits(fleet: FleetView, request: PlacementRequest, policy: Policy, node: number): boolean {
  return policy.filters.every((filter) => filter.admits(fleet, request, node));
}

function byUrgency(a: PlacementRequest, b: PlacementRequest): number {
  const longevity = (b.longevity ?? 0) - (a.longevity ?? 0);
  return b.priority - a.priority || longevity || b.memoryMib - a.memoryMib || b.cpuMillis - a.cpuMillis;
}
