import { loadScenario } from '@berth/scenarios/load-scenario.js';
import { explainScenario } from '@berth/simulation/explain.js';
import { CliError } from '../output/failure.js';
import { terminal } from '../output/terminal.js';
import { cellOf, timeOfDay, type ScenarioFlags } from './options.js';

export interface ExplainFlags extends ScenarioFlags {
  readonly policy: string;
  readonly at: string;
  readonly instance: string;
}

export async function explain(flags: ExplainFlags): Promise<void> {
  const scenario = await loadScenario(cellOf(flags, flags.policy));
  try {
    for (const line of explainScenario(scenario, timeOfDay(flags.at), flags.instance)) terminal.print(line);
  } catch (error) {
    throw error instanceof RangeError ? new CliError(error.message) : error;
  }
}
