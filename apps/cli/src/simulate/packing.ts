import { policies, type PolicyName } from '@berth/scheduling/policy.js';
import { parseAzure } from '@berth/simulation/packing/azure-trace.js';
import { runPackingScenario } from '@berth/simulation/packing-scenario.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { InputError, linesOf } from '@berth/simulation/traces/rows.js';
import { CliError } from '../output/failure.js';
import { loadCost, loadFleet, splitSpec } from './inputs.js';
import { openText } from './open-text.js';
import { type RunFlags, wholeNumber } from './options.js';

/** `azure:` traces give sizes and lifetimes, no demand: they are packed, not consolidated. */
export async function runPacking(flags: RunFlags): Promise<Summary> {
  const [, file] = splitSpec('--trace', flags.trace);
  if (!Object.hasOwn(policies, flags.policy)) {
    throw new CliError(`policy ${flags.policy} needs CPU demand`, {
      next: `use one of ${Object.keys(policies).join(', ')}`,
    });
  }
  const fleet = await loadFleet(flags.fleet);
  const cost = await loadCost(flags.cost);
  const lines: string[] = [];
  for await (const { text } of linesOf(openText(file))) lines.push(text);
  const migrationsPer1000 = wholeNumber('--migrations-per-1000', flags.migrationsPer1000);
  const seed = wholeNumber('--seed', flags.seed);
  const policy = flags.policy as PolicyName;
  return runPackingScenario({
    trace: flags.trace,
    arrivals: parse(file, lines),
    fleet,
    cost,
    policy,
    migrationsPer1000,
    seed,
  });
}

function parse(file: string, lines: readonly string[]) {
  try {
    return parseAzure(lines);
  } catch (error) {
    throw new InputError(file, 0, '', error instanceof Error ? error.message : String(error));
  }
}
