import { billOf, type CostModel } from './cost/cost-model.js';
import type { Fleet } from './fleet/fleet.js';
import { SIMULATION_POLICIES, type SimulationPolicyName } from './policies.js';
import type { PlannedMove } from '@berth/scheduling/consolidation/plan.js';
import type { MigrationModel } from './power/migration.js';
import { Replay } from './replay/replay.js';
import type { Observation, ReplayOptions } from './replay/options.js';
import { rulesInForce } from './report/rules.js';
import { summaryOf, type Summary } from './report/summary.js';
import type { Workload } from './demand/workload.js';

export interface Scenario {
  readonly workload: Workload;
  readonly fleet: Fleet;
  readonly cost: CostModel;
  readonly policy: SimulationPolicyName;
  readonly seed: number;
  readonly migration: MigrationModel;
  readonly observeEveryS: number;
  /** Instead of the policy's own interval. */
  readonly decideEveryS?: number;
  readonly failuresPerNodeYear: number;
  readonly look?: NonNullable<ReplayOptions['look']>;
  readonly onMove?: (timeS: number, move: PlannedMove) => void;
  readonly onProgress?: (timeS: number) => void;
}

const REPAIR_S = 3600;

export interface ScenarioResult {
  readonly summary: Summary;
  readonly observations: readonly Observation[];
}

/** Runs a workload under a named policy. Pure: wall time and memory are for the caller to add. */
export function runScenario(scenario: Scenario): ScenarioResult {
  const policy = SIMULATION_POLICIES[scenario.policy];
  const fleet = policy.booksNominalCpu ? withoutCpuOvercommit(scenario.fleet) : scenario.fleet;
  const decideEveryS = scenario.decideEveryS ?? policy.decideEveryS;
  const { workload, cost, seed, migration, failuresPerNodeYear } = scenario;
  const result = new Replay({
    ...scenario,
    fleet,
    consolidator: policy.create(seed),
    decideEveryS,
    repairS: REPAIR_S,
  }).run();
  const enforcesMemory = fleet.nodes.every(({ memoryOvercommit }) => memoryOvercommit === 1);
  const rules = rulesInForce({ fleet, migration, decideEveryS, failuresPerNodeYear, enforcesMemory });
  const summary = summaryOf(result, billOf(result, workload, fleet, cost), cost, {
    trace: workload.name,
    fleet: fleet.name,
    policy: scenario.policy,
    seed,
    rules,
    rejections: workload.rejections,
    wallSeconds: null,
    peakRssMib: null,
  });
  return { summary, observations: result.observations };
}

function withoutCpuOvercommit(fleet: Fleet): Fleet {
  const kinds = new Map([...new Set(fleet.nodes)].map((kind) => [kind, { ...kind, cpuOvercommit: 1 }]));
  return { ...fleet, nodes: fleet.nodes.map((kind) => kinds.get(kind)!) };
}
