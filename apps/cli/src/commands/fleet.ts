import type { Command } from 'commander';
import type { Invocation } from './invocation.js';

/** fleet, top, simulate, completion: the whole at a glance. */
export function addFleetCommands(program: Command, invocation: Invocation): void {
  program
    .command('fleet')
    .description('how full the fleet is, what is stranded, how few nodes would do')
    .option('--json', 'as the API gives it')
    .action(async (flags: { json?: true }) => {
      const { showFleet } = await import('../actions/fleet.js');
      await showFleet(invocation, flags.json === true);
    });

  program
    .command('top')
    .description('nodes and instances, live; q leaves')
    .option('--interval <time>', 'between two looks (default: 1s)')
    .option('--once', 'print one look and return')
    .action(async (flags: { interval?: string; once?: true }) => {
      const { runTop } = await import('../top/run.js');
      await runTop(invocation, flags);
    });

  program
    .command('simulate')
    .description('run a trace under a policy, without a datacenter')
    .argument('[words...]', 'berth simulate --help lists them')
    .allowUnknownOption()
    .helpOption(false) // its own commands answer to --help
    .action(async (words: string[]) => {
      const { simulateCommand } = await import('../simulate/command.js');
      await simulateCommand().exitOverride().parseAsync(words, { from: 'user' });
    });

  program
    .command('completion <shell>')
    .description('a script for bash, zsh or fish: source <(berth completion bash)')
    .action(async (shell: string) => {
      const { completionScript } = await import('../completion/script.js');
      invocation.print(completionScript(program, shell));
    });
}
