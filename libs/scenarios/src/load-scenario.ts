import type { SimulationCell } from '@berth/contracts/simulation.js';
import type { Workload } from '@berth/simulation/demand/workload.js';
import { PLANETLAB_MIGRATION } from '@berth/simulation/power/migration.js';
import type { Scenario } from '@berth/simulation/scenario.js';
import { demandPolicy } from './check-policy.js';
import { loadCost, loadFleet, loadWorkload } from './inputs.js';

/** Cells that follow one another mostly share a trace; nothing that runs changes a workload. */
let last: { readonly trace: string; readonly workload: Promise<Workload> } | undefined;

/**
 * Reads what a cell names. Whatever is wrong with it is told before anything runs.
 * @throws InputError
 */
export async function loadScenario(cell: SimulationCell): Promise<Scenario> {
  const policy = demandPolicy(cell.policy);
  const [fleet, cost] = [await loadFleet(cell.fleet), await loadCost(cell.cost)];
  if (last?.trace !== cell.trace) last = { trace: cell.trace, workload: loadWorkload(cell.trace) };
  return {
    workload: await last.workload,
    fleet,
    cost,
    policy,
    seed: cell.seed,
    migration: PLANETLAB_MIGRATION,
    observeEveryS: cell.sampleEveryS,
    failuresPerNodeYear: cell.failuresPerNodeYear,
    ...(cell.decideEveryS !== null && { decideEveryS: cell.decideEveryS }),
  };
}
