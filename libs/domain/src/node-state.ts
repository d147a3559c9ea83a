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

/** What a machine is tried for, best first; `model` simulates and needs no trial. */
export const probedEngines = ['kvm', 'tcg', 'v86'] as const satisfies readonly EngineDriverName[];
export type ProbedEngine = (typeof probedEngines)[number];

/**
 * passed: it ran real guests in time. slow: it works, but no faster than software. hung: no sign of the guest. failed:
 * it broke off. absent: the machine lacks it. forbidden: not to be used on this node. skipped: a better one passed.
 */
export const engineVerdicts = ['passed', 'slow', 'hung', 'failed', 'absent', 'forbidden', 'skipped'] as const;
export type EngineVerdict = (typeof engineVerdicts)[number];

/** The node renews its lease this often through the observation stream. */
export const nodeHeartbeatIntervalMs = 2_000;
/** By the database clock; older means `unreachable`: no placements, and no restart elsewhere yet. */
export const nodeUnreachableAfterMs = 8_000;
/** Monotonic boot time after which a guard stops a guest with `onIsolation: stop`. */
export const guardDeadlineMs = 12_000;
/** Positive by need: the guard must have acted before the fence is recorded. */
export const fenceMarginMs = 4_000;
