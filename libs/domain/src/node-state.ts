import type { TransitionTable } from './transition.js';

/**
 * up: its lease is fresh. unreachable: lease older than the limit; not dead. fenced: proven to run nothing. down: left
 * in order.
 */
export type NodeState = 'up' | 'unreachable' | 'fenced' | 'down';

export const nodeTransitions = {
  up: ['unreachable', 'down', 'fenced'],
  unreachable: ['up', 'fenced', 'down'],
  fenced: ['up', 'down'],
  down: ['up'],
} as const satisfies TransitionTable<NodeState>;

export const engineDrivers = ['kvm', 'tcg', 'v86', 'model'] as const;
export type EngineDriverName = (typeof engineDrivers)[number];

/**
 * Of the drivers a node offers, those an instance may run under, in the node's order: accepted by its owner (undefined:
 * all) and none that has failed it.
 */
export function driversFor(
  offered: readonly EngineDriverName[],
  accepted: readonly EngineDriverName[] | undefined,
  failed: readonly EngineDriverName[],
): EngineDriverName[] {
  return offered.filter((driver) => !failed.includes(driver) && (accepted?.includes(driver) ?? true));
}

/** The node renews its lease this often through the observation stream. */
export const nodeHeartbeatIntervalMs = 2_000;
/** By the database clock; older means `unreachable`: no placements, and no restart elsewhere yet. */
export const nodeUnreachableAfterMs = 8_000;
/** Monotonic boot time after which a guard stops a guest with `onIsolation: stop`. */
export const guardDeadlineMs = 12_000;
/** Positive by need: the guard must have acted before the fence is recorded. */
export const fenceMarginMs = 4_000;

/** The label by which an instance stays on the node that has its disk. */
export const nodeLabel = 'berth/node';
