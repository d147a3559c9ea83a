/** What an instance takes from its node. */
export interface ResourceAmounts {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export const resourceNames = [
  'cpuMillis',
  'memoryMib',
  'diskGib',
] as const satisfies readonly (keyof ResourceAmounts)[];
export type ResourceName = (typeof resourceNames)[number];

/** `affinity`: one node for all. `anti-affinity`: a node each. `spread-*`: counts per domain differ by at most one. */
export const groupPolicies = ['affinity', 'anti-affinity', 'spread-zone', 'spread-rack'] as const;
export type GroupPolicy = (typeof groupPolicies)[number];

export interface GroupMembership {
  readonly name: string;
  readonly policy: GroupPolicy;
  /** Beside any policy: the largest difference in members between two zones. */
  readonly zoneSpreadMax?: number;
}

/** Matches taints of `key`; without a value, whatever the taint's value. */
export interface Toleration {
  readonly key: string;
  readonly value?: string;
}

/**
 * What kind of node is acceptable. Share one object between requests made from one template: eligibility is
 * remembered per object.
 */
export interface Constraints {
  /** Drivers the instance can run on; absent = any. */
  readonly drivers?: readonly string[];
  /** Drivers that can boot its image at all; absent = any. */
  readonly engines?: readonly string[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
}

export interface PlacementRequest extends ResourceAmounts {
  readonly id: string;
  readonly project: string;
  /** Higher goes first and may preempt lower. */
  readonly priority: number;
  readonly constraints?: Constraints;
  readonly group?: GroupMembership;
  /** Chance of a long life, 0 to 1 (`LifetimeModel.longevity`): in a batch the long-lived go first. */
  readonly longevity?: number;
}
