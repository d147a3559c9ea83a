import type { Change } from '../decision.js';
import type { Filter } from '../filter.js';
import { nodeFlags } from '../fleet.js';

/** The node reports: its heartbeat is fresh. */
export const reachableFilter = flagFilter('reachable', nodeFlags.unreachable, { kind: 'reconnect' });

/** The node is not cordoned (a draining node is). */
export const cordonFilter = flagFilter('cordon', nodeFlags.cordoned, { kind: 'uncordon' });

/** The node is powered on. */
export const powerFilter = flagFilter('power', nodeFlags.asleep, { kind: 'wake' });

function flagFilter(name: string, flag: number, change: Change): Filter {
  return {
    name,
    stage: 'open',
    admits: (fleet, _request, node) => (fleet.flags[node]! & flag) === 0,
    remedy: () => change,
  };
}
