import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { DrainStep, OpenDrain } from '@berth/database/drain.repository.js';
import type { FleetView } from '@berth/scheduling/fleet.js';
import { instanceRequest } from '@berth/scheduling/instance-request.js';
import { place } from '@berth/scheduling/place.js';
import { policies } from '@berth/scheduling/policy.js';

export type Drain = OpenDrain<PlacementConstraints>;

/** Instances of one node on their way at once: each is down while it moves. */
const movesMax = 2;
/** With nothing moving and nothing that could, a drain gives up: the node stays cordoned. */
export const givesUpAfterMs = 30_000;

/**
 * The next moves off a node, checked beforehand: an instance is stopped only when some other node would take it now.
 * `fleet` is the fleet as it stands, the node cordoned; what this step moves is booked on it. Pure.
 */
export function decideDrain(drain: Drain, fleet: FleetView): DrainStep {
  const { remaining, node, idleMs } = drain;
  const total = Math.max(drain.result?.total ?? 0, remaining.length);
  const moved = total - remaining.length;
  if (remaining.length === 0) return { moves: [], result: { total, moved, blocked: [] }, end: { state: 'succeeded' } };
  const busyCount = remaining.filter(({ isBusy }) => isBusy).length;
  const moves: DrainStep['moves'][number][] = [];
  const blocked: { instance: string; why: string }[] = [];
  for (const instance of remaining) {
    if (instance.isBusy) continue;
    if (instance.state !== 'running') {
      blocked.push({ instance: instance.name, why: whyNot(instance.state) });
      continue;
    }
    if (instance.isKept) {
      blocked.push({ instance: instance.name, why: 'its move was cancelled: migrate it, or drain the node again' });
      continue;
    }
    if (instance.hasDisk && !instance.canMigrate) {
      blocked.push({ instance: instance.name, why: 'its disk is on this node, and cannot move while it runs' });
      continue;
    }
    const request = instanceRequest(fleet, instance);
    const answer = place(fleet, request, policies.berth);
    if (!answer.placed) blocked.push({ instance: instance.name, why: answer.sentence });
    else if (busyCount + moves.length < movesMax) {
      fleet.apply(fleet.slotOf(answer.node), request);
      moves.push(instance);
    }
  }
  const result = { total, moved, blocked };
  const isStuck = busyCount + moves.length === 0 && blocked.length === remaining.length;
  if (!isStuck || idleMs < givesUpAfterMs) return { moves, result };
  const names = blocked.map(({ instance, why }) => `${instance}: ${why}`).join('; ');
  const problem = {
    code: 'no-node-fits' as const,
    detail: `node ${node} cannot be emptied (${names})`,
    next: 'add a node, or stop these instances',
    context: { blocked },
  };
  return { moves, result, end: { state: 'failed', problem } };
}

function whyNot(state: string): string {
  return state === 'paused' ? 'it is paused: resume it, or stop it' : `it is ${state}`;
}
