import { Command } from 'commander';
import { Invocation } from './commands/invocation.js';
import { addCatalogueCommands } from './commands/catalogue.js';
import { addImageCommands } from './commands/image.js';
import { addDatacenterCommands } from './commands/datacenter.js';
import { addFleetCommands } from './commands/fleet.js';
import { addInstanceCommands } from './commands/instance.js';
import { addNodeCommands } from './commands/node.js';
import { addSnapshotCommands } from './commands/snapshot.js';
import { addOperationCommands } from './commands/operation.js';

/** The whole command line. What a command does is loaded when it runs: starting must stay fast. */
export function buildProgram(environment: NodeJS.ProcessEnv): Command {
  const program = new Command('berth')
    .description('A small cloud: real guests, placed, packed, healed and priced')
    .option(
      '--data-dir <folder>',
      'the datacenter of this folder (default: BERTH_DATA_DIR, else .data of the checkout)',
    )
    .option('-q, --quiet', 'no progress on stderr')
    .showHelpAfterError('(berth --help)')
    .exitOverride();
  const invocation = new Invocation(program, environment);
  addDatacenterCommands(program, invocation);
  addInstanceCommands(program, invocation);
  addNodeCommands(program, invocation);
  addSnapshotCommands(program, invocation);
  addImageCommands(program, invocation);
  addCatalogueCommands(program, invocation);
  addOperationCommands(program, invocation);
  addFleetCommands(program, invocation);
  return program;
}
