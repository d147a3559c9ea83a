import type { Command } from 'commander';
import type { EventFlags } from '../actions/events.js';
import type { OutputFlags } from '../actions/list.js';
import type { OperationListFlags } from '../actions/operation-list.js';
import type { WaitFlags } from '../actions/wait.js';
import type { Invocation } from './invocation.js';
import { withOutput, withWait } from './options.js';

/** operation, events: what was asked for and what happened. */
export function addOperationCommands(program: Command, invocation: Invocation): void {
  const operation = program.command('operation').alias('operations').description('accepted requests');
  withOutput(operation.command('list').description('those of the project, the newest first'))
    .option('--instance <name|id>', 'only those of one instance')
    .option('--state <state>', 'pending, running, succeeded, failed or cancelled')
    .option('--kind <kind>', 'such as migrate-instance')
    .option('--limit <n>', 'at most', '50')
    .action(async (flags: OperationListFlags) => {
      const { listOperations } = await import('../actions/operation-list.js');
      await listOperations(invocation, flags);
    });

  withOutput(operation.command('get <id>').description('its state, progress and timeline'))
    .option('--wait', 'until it has ended')
    .option('--timeout <time>', 'how long to wait: 90s, 2m (default: 16m, when all but drains end); then exit code 124')
    .action(async (id: string, flags: OutputFlags & WaitFlags) => {
      const { getOperation } = await import('../actions/operation-get.js');
      await getOperation(invocation, id, flags);
    });

  withWait(
    operation.command('cancel <id>').description('call a live migration off; too late once its guest has left'),
  ).action(async (id: string, flags: WaitFlags) => {
    const { cancelOperation } = await import('../actions/operation-cancel.js');
    await cancelOperation(invocation, id, flags);
  });

  program
    .command('events')
    .description('what happened, the oldest first')
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .option('--instance <name|id>', 'only those of one instance')
    .option('--json', 'a JSON object a line')
    .action(async (flags: EventFlags) => {
      const { showEvents } = await import('../actions/events.js');
      await showEvents(invocation, flags);
    });
}
