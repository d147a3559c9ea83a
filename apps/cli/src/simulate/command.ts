import { Command } from 'commander';
import type { CompareFlags } from './compare.js';
import type { ExplainFlags } from './explain.js';
import type { RunFlags } from './options.js';

/** `berth simulate`: what a policy would need and cost on a trace. Needs no running datacenter. */
export function simulateCommand(): Command {
  const simulate = new Command('berth simulate').description('run a trace under a policy, without a datacenter');
  scenarioOptions(simulate.command('run').description('one policy on one trace'))
    .option('--policy <name>', 'berth simulate policies lists them', 'berth')
    .option('--report <folder>', 'write summary.json, series.csv and report.html there')
    .option('--decisions', 'with --report: decisions.jsonl, one line a move')
    .option('--json', 'the summary as JSON on stdout')
    .option('--no-timing', 'leave out what differs between two equal runs: wall time and memory')
    .action(async (flags: RunFlags) => (await import('./run.js')).run(flags));
  scenarioOptions(simulate.command('compare').description('several policies side by side'))
    .requiredOption('--policies <names>', 'separated by commas')
    .option('--seeds <count>', 'so many seeds, from --seed on', '1')
    .option('--workers <count>', 'run so many at once; the answer is the same', '1')
    .option('--queue <address>', 'instead: have the simulators of this Redis run them')
    .option('--json', 'all summaries as JSON on stdout')
    .action(async (flags: CompareFlags) => (await import('./compare.js')).compare(flags));
  scenarioOptions(
    simulate.command('explain').description('why an instance was where it was, and what else was possible'),
  )
    .option('--policy <name>', 'berth simulate policies lists them', 'berth')
    .requiredOption('--at <time>', 'hours and minutes from the start, such as 03:00')
    .requiredOption('--instance <id>', 'as the trace names it')
    .action(async (flags: ExplainFlags) => (await import('./explain.js')).explain(flags));
  for (const what of ['policies', 'traces', 'fleets'] as const) {
    simulate
      .command(what)
      .description('what there is, one line each')
      .action(async () => (await import('./lists.js')).printList(what));
  }
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
    .option('--failures <count>', 'failures of a node a year', '0')
    .option('--migrations-per-1000 <count>', 'azure only: moves allowed for every thousand requests', '0');
}
