import type { SimulationCell } from '@berth/contracts/simulation.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { runScenario } from '@berth/simulation/scenario.js';
import { isPacked } from './check-policy.js';
import { loadScenario } from './load-scenario.js';
import { runPacking } from './run-packing.js';

/** Told the share of a cell that is done, 0 to 1. */
export type CellProgress = (share: number) => void;

/**
 * Runs one cell in this thread, which it holds for as long. The same cell gives the same summary.
 * @throws InputError
 */
export async function runCell(cell: SimulationCell, onProgress: CellProgress): Promise<Summary> {
  if (isPacked(cell)) return runPacking(cell);
  const scenario = await loadScenario(cell);
  const { durationS } = scenario.workload;
  return runScenario({ ...scenario, onProgress: (timeS) => onProgress(timeS / durationS) }).summary;
}
