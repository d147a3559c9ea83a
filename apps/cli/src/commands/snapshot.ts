import type { Command } from 'commander';
import type { OutputFlags } from '../actions/list.js';
import type { WaitFlags } from '../actions/wait.js';
import type { Invocation } from './invocation.js';
import { withOutput, withWait } from './options.js';

/** snapshot: instances as they were at one instant. */
export function addSnapshotCommands(program: Command, invocation: Invocation): void {
  const snapshot = program
    .command('snapshot')
    .alias('snapshots')
    .description('instances as they were, memory and disk: see also berth instance restore');
  withWait(withOutput(snapshot.command('create <instance>')))
    .description('keep a running one as it is now; it stands still for a moment')
    .requiredOption('--name <name>', 'of the snapshot')
    .action(async (reference: string, flags: WaitFlags & OutputFlags & { name: string }) => {
      const { createSnapshot } = await import('../actions/snapshot.js');
      await createSnapshot(invocation, reference, flags);
    });
  withOutput(snapshot.command('list <instance>').description('those of an instance, the newest first')).action(
    async (reference: string, flags: OutputFlags) => {
      const { listSnapshots } = await import('../actions/snapshot.js');
      await listSnapshots(invocation, reference, flags);
    },
  );
  snapshot
    .command('delete <instance> <snapshot>')
    .description('remove one for good')
    .option('-y, --yes', 'do not ask')
    .action(async (reference: string, name: string, flags: { yes?: true }) => {
      const { deleteSnapshot } = await import('../actions/snapshot.js');
      await deleteSnapshot(invocation, reference, name, flags);
    });
}

/** Of `instance`. */
export function addRestore(instance: Command, invocation: Invocation): void {
  withWait(instance.command('restore <instance>'))
    .description('take it back to a snapshot: what it wrote since is lost')
    .requiredOption('--snapshot <snapshot>', 'name or id')
    .option('-y, --yes', 'do not ask')
    .action(async (reference: string, flags: WaitFlags & { snapshot: string; yes?: true }) => {
      const { restoreInstance } = await import('../actions/snapshot.js');
      await restoreInstance(invocation, reference, flags);
    });
}
