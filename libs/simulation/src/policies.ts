import { BerthConsolidator, type BerthRules } from '@berth/scheduling/consolidation/berth.js';
import { ClassicConsolidator } from '@berth/scheduling/consolidation/classic.js';
import {
  interquartile,
  localRegression,
  medianDeviation,
  threshold,
  type Detector,
} from '@berth/scheduling/consolidation/detection.js';
import type { Consolidator } from '@berth/scheduling/consolidation/plan.js';
import {
  maximumCorrelation,
  minimumMigrationTime,
  minimumUtilization,
  randomSelection,
  type Selector,
} from '@berth/scheduling/consolidation/selection.js';
import { StaticConsolidator } from '@berth/scheduling/consolidation/static.js';
import { policies as placements, type Policy } from '@berth/scheduling/policy.js';
import { BERTH, BERTH_SAFE } from './berth-rules.js';
import { seededRandom } from './random.js';

export interface SimulationPolicy {
  readonly description: string;
  /** Demand is read, and moves are decided, this often. */
  readonly decideEveryS: number;
  /** Nominal CPU bounds what a node holds: the policy does not look at demand. */
  readonly booksNominalCpu: boolean;
  /** How it places where demand is unknown and sizes are all there is. */
  readonly placement: Policy;
  create(seed: number): Consolidator;
}

const CLASSIC_EVERY_S = 300;

/** What `berth simulate` knows, by name. */
export const SIMULATION_POLICIES = {
  berth: ours('fewest nodes at 5 % overload: forecasts, risk, error budget', BERTH),
  'berth-safe': ours('as berth, at 1 % overload', BERTH_SAFE),
  'lr-mmt': classic('local regression 1.2, minimum migration time', () => [localRegression(1.2), minimumMigrationTime]),
  'lr-mc': classic('local regression 1.2, maximum correlation', () => [localRegression(1.2), maximumCorrelation]),
  'lr-mu': classic('local regression 1.2, minimum utilization', () => [localRegression(1.2), minimumUtilization]),
  'lr-rs': classic('local regression 1.2, random selection', (seed) => {
    const random = seededRandom(seed).fork('selection');
    return [localRegression(1.2), randomSelection(() => random.next())];
  }),
  'thr-mmt': classic('threshold 0.8, minimum migration time', () => [threshold(0.8), minimumMigrationTime]),
  'iqr-mmt': classic('interquartile range 1.5, minimum migration time', () => [
    interquartile(1.5),
    minimumMigrationTime,
  ]),
  'mad-mmt': classic('median deviation 2.5, minimum migration time', () => [
    medianDeviation(2.5),
    minimumMigrationTime,
  ]),
  'first-fit': once('first node with room, by nominal size; no moves', placements['first-fit']),
  'best-fit': once('fullest node with room, by nominal size; no moves', placements['best-fit']),
  'worst-fit': once('emptiest node, by nominal size; no moves', placements['worst-fit']),
  'dot-product': once('node whose free shape matches best, by nominal size; no moves', placements['dot-product']),
} as const satisfies Record<string, SimulationPolicy>;

export type SimulationPolicyName = keyof typeof SIMULATION_POLICIES;

function ours(description: string, rules: BerthRules): SimulationPolicy {
  return {
    description,
    decideEveryS: rules.readEveryS,
    booksNominalCpu: false,
    placement: placements.berth,
    create: () => new BerthConsolidator(rules, placements.berth),
  };
}

function classic(description: string, parts: (seed: number) => [Detector, Selector]): SimulationPolicy {
  return {
    description,
    decideEveryS: CLASSIC_EVERY_S,
    booksNominalCpu: false,
    placement: placements.berth,
    create: (seed) => new ClassicConsolidator(description, ...parts(seed), placements.berth),
  };
}

function once(description: string, policy: Policy): SimulationPolicy {
  return {
    description,
    decideEveryS: CLASSIC_EVERY_S,
    booksNominalCpu: true,
    placement: policy,
    create: () => new StaticConsolidator(policy.name, policy),
  };
}
