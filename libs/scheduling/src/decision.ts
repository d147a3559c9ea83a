import type { GroupPolicy, ResourceName } from './request.js';

/** How a placement came about: every node is either counted under its first rejecting filter or feasible. */
export interface Explanation {
  readonly policy: string;
  readonly considered: number;
  readonly feasible: number;
  /** Nodes by the first filter that rejected them; filters that rejected none are left out. */
  readonly rejected: Readonly<Record<string, number>>;
  /** The best few, best first; weighted scores as they were added up. */
  readonly finalists: readonly Finalist[];
}

export interface Finalist {
  readonly node: string;
  readonly score: number;
  readonly scores: Readonly<Record<string, number>>;
}

export interface Placement {
  readonly placed: true;
  readonly requestId: string;
  readonly node: string;
  readonly explanation: Explanation;
}

export interface Unplaceable {
  readonly placed: false;
  readonly requestId: string;
  readonly explanation: Explanation;
  /** Smallest changes under which it would fit, most promising first. */
  readonly counterfactuals: readonly Counterfactual[];
  readonly sentence: string;
}

/** "It would fit on `node` if all of `changes` came true." */
export interface Counterfactual {
  readonly node: string;
  readonly changes: readonly Change[];
  readonly sentence: string;
}

export type Change =
  | { readonly kind: 'shrink'; readonly resource: ResourceName; readonly by: number }
  | { readonly kind: 'uncordon' }
  | { readonly kind: 'wake' }
  | { readonly kind: 'reconnect' }
  | { readonly kind: 'use-driver'; readonly driver: string }
  | { readonly kind: 'use-image'; readonly drivers: readonly string[] }
  | { readonly kind: 'drop-selector'; readonly label: string }
  | { readonly kind: 'tolerate'; readonly taint: string }
  | { readonly kind: 'relax-group'; readonly group: string; readonly policy: GroupPolicy };
