import type { Filter } from './filter.js';
import { driverFilter } from './filters/driver.js';
import { affinityFilter, antiAffinityFilter, rackSpreadFilter, zoneSpreadFilter } from './filters/group.js';
import { imageFilter } from './filters/image.js';
import { labelsFilter } from './filters/labels.js';
import { cordonFilter, powerFilter, reachableFilter } from './filters/node-state.js';
import { cpuFilter, diskFilter, memoryFilter } from './filters/resource.js';
import { taintsFilter } from './filters/taints.js';
import type { Prospect } from './prospect.js';
import type { Scorer } from './scorer.js';
import { balanceScorer } from './scorers/balance.js';
import { bestFitScorer } from './scorers/best-fit.js';
import { dotProductScorer } from './scorers/dot-product.js';
import { energyScorer } from './scorers/energy.js';
import { inUseScorer } from './scorers/in-use.js';
import { stayScorer } from './scorers/stay.js';
import { worstFitScorer } from './scorers/worst-fit.js';

export interface WeightedScorer {
  readonly scorer: Scorer;
  readonly weight: number;
}

/** Filters in the order in which rejections are counted; scores are added up by weight. */
export interface Policy {
  readonly name: string;
  readonly filters: readonly Filter[];
  readonly scorers: readonly WeightedScorer[];
}

const allFilters: readonly Filter[] = [
  reachableFilter,
  powerFilter,
  cordonFilter,
  driverFilter,
  imageFilter,
  labelsFilter,
  taintsFilter,
  cpuFilter,
  memoryFilter,
  diskFilter,
  affinityFilter,
  antiAffinityFilter,
  zoneSpreadFilter,
  rackSpreadFilter,
];

function policy(name: string, ...scorers: readonly (readonly [Scorer, number])[]): Policy {
  return { name, filters: allFilters, scorers: scorers.map(([scorer, weight]) => ({ scorer, weight })) };
}

export const policies = {
  /** Nodes in use first, those that stay longest first of these, and there the tightest fit. */
  berth: policy('berth', [inUseScorer, 100], [stayScorer, 8], [energyScorer, 1], [bestFitScorer, 2]),
  /** Without scorers all nodes are equal, and the first of equals is taken. */
  'first-fit': policy('first-fit'),
  /** Best fit that keeps what is left in proportion. */
  balanced: policy('balanced', [bestFitScorer, 1], [balanceScorer, 0.2]),
  'best-fit': policy('best-fit', [bestFitScorer, 1]),
  'worst-fit': policy('worst-fit', [worstFitScorer, 1]),
  'dot-product': policy('dot-product', [dotProductScorer, 1]),
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

export function totalScore(policy: Policy, prospect: Prospect): number {
  return weigh(policy.scorers, prospect);
}

export function weigh(scorers: readonly WeightedScorer[], prospect: Prospect): number {
  let total = 0;
  for (let i = 0; i < scorers.length; i++) total += scorers[i]!.weight * scorers[i]!.scorer.score(prospect);
  return total;
}
