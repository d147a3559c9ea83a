import type { SimulationCell } from '@berth/contracts/simulation.js';
import { parseAzure } from '@berth/simulation/packing/azure-trace.js';
import { runPackingScenario } from '@berth/simulation/packing-scenario.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { InputError, linesOf } from '@berth/simulation/traces/rows.js';
import { packingPolicy } from './check-policy.js';
import { loadCost, loadFleet, splitSpec } from './inputs.js';
import { openText } from './open-text.js';

/** @throws InputError */
export async function runPacking({ trace, seed, migrationsPer1000, ...cell }: SimulationCell): Promise<Summary> {
  const policy = packingPolicy(cell.policy);
  const [, file] = splitSpec('--trace', trace);
  const [fleet, cost] = [await loadFleet(cell.fleet), await loadCost(cell.cost)];
  const lines: string[] = [];
  for await (const { text } of linesOf(openText(file))) lines.push(text);
  const arrivals = parse(file, lines);
  return runPackingScenario({ trace, arrivals, fleet, cost, policy, migrationsPer1000, seed });
}

function parse(file: string, lines: readonly string[]) {
  try {
    return parseAzure(lines);
  } catch (error) {
    throw new InputError(file, 0, '', error instanceof Error ? error.message : String(error));
  }
}
