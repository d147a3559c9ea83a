import { Command } from 'commander';
import { explainScenario } from '@berth/simulation/explain.js';
import { SIMULATION_POLICIES } from '@berth/simulation/policies.js';
import { CliError } from '../output/failure.js';
import { terminal } from '../output/terminal.js';
import { compare } from './compare.js';
import { FLEETS, TRACES } from './inputs.js';
import { loadScenario, policyNamed, timeOfDay, type ScenarioFlags } from './options.js';
import { run } from './run.js';

/** `berth simulate`: what a policy would need and cost on a trace. Needs no running datacenter. */
export function simulateCommand(): Command {
  const simulate = new Command('simulate').description('run a trace under a policy, without a datacenter');
  scenarioOptions(simulate.command('run').description('one policy on one trace'))
    .option('--policy <name>', 'berth simulate policies lists them', 'berth')
    .option('--report <folder>', 'write summary.json, series.csv and report.html there')
    .option('--decisions', 'with --report: decisions.jsonl, one line a move')
    .option('--migrations-per-1000 <count>', 'azure only: moves allowed for every thousand requests', '0')
    .option('--json', 'the summary as JSON on stdout')
    .option('--no-timing', 'leave out what differs between two equal runs: wall time and memory')
    .action(run);
  scenarioOptions(simulate.command('compare').description('several policies side by side'))
    .requiredOption('--policies <names>', 'separated by commas')
    .option('--seeds <count>', 'so many seeds, from --seed on', '1')
    .option('--json', 'all summaries as JSON on stdout')
    .action(compare);
  scenarioOptions(
    simulate.command('explain').description('why an instance was where it was, and what else was possible'),
  )
    .option('--policy <name>', 'berth simulate policies lists them', 'berth')
    .requiredOption('--at <time>', 'hours and minutes from the start, such as 03:00')
    .requiredOption('--instance <id>', 'as the trace names it')
    .action(explain);
  const policies = Object.entries(SIMULATION_POLICIES).map(([name, { description }]) => [name, description] as const);
  simulate
    .command('policies')
    .description('what --policy takes')
    .action(() => printList(policies));
  simulate
    .command('traces')
    .description('what --trace takes')
    .action(() => printList(Object.entries(TRACES)));
  simulate
    .command('fleets')
    .description('what --fleet takes')
    .action(() => printList(Object.entries(FLEETS)));
  return simulate;
}

function scenarioOptions(command: Command): Command {
  return command
    .requiredOption('--trace <spec>', 'berth simulate traces lists the kinds')
    .option('--fleet <spec>', 'berth simulate fleets lists the kinds', 'ml110:800')
    .option('--cost <file>', 'prices and carbon, YAML (docs/simulation.md)')
    .option('--seed <number>', 'of everything random', '1')
    .option('--sample-every <seconds>', 'rows of series.csv; changes no figure', '300')
    .option('--decide-every <seconds>', 'how often the policy reads demand and decides (default: its own)')
    .option('--failures <count>', 'failures of a node a year', '0');
}

async function explain(flags: ScenarioFlags & { policy: string; at: string; instance: string }): Promise<void> {
  const scenario = { ...(await loadScenario(flags)), policy: policyNamed(flags.policy) };
  try {
    for (const line of explainScenario(scenario, timeOfDay(flags.at), flags.instance)) terminal.print(line);
  } catch (error) {
    throw error instanceof RangeError ? new CliError(error.message) : error;
  }
}

function printList(entries: readonly (readonly [string, string])[]): void {
  const width = Math.max(...entries.map(([name]) => name.length));
  for (const [name, text] of entries) terminal.print(`${name.padEnd(width)}  ${text}`);
}
