import type { Command } from 'commander';
import type { CloneFlags } from '../actions/instance-clone.js';
import type { RebuildFlags } from '../actions/instance-rebuild.js';
import { collect } from '../output/format.js';
import type { Invocation } from './invocation.js';
import { withOutput, withWait } from './options.js';

/** Of `instance`. */
export function addRebuild(instance: Command, invocation: Invocation): void {
  withWait(instance.command('rebuild <instance>'))
    .description('give it a new disk, of its image or another one: what the old one held is lost')
    .option('-i, --image <image>', 'name or id (default: the one it has)')
    .option('--ssh-key <key>', 'who may log in, in place of those before; as in create', collect)
    .option('--user-data <text>', 'for cloud-init, in place of what was before: a document, or @FILE')
    .option('-y, --yes', 'do not ask')
    .action(async (reference: string, flags: RebuildFlags) => {
      const { rebuildInstance } = await import('../actions/instance-rebuild.js');
      await rebuildInstance(invocation, reference, flags);
    });
}

/** Of `instance`. */
export function addClone(instance: Command, invocation: Invocation): void {
  withWait(withOutput(instance.command('clone <instance> <name>')))
    .description('make copies of a running one as it is now, each with an identity of its own')
    .option('-c, --count <n>', 'so many, NAME-1, NAME-2, ...')
    .option('--user-data <text>', 'for the first boot of those that boot: a document, or @FILE')
    .option('--idempotency-key <key>', 'the same key again gives the same answer')
    .action(async (reference: string, name: string, flags: CloneFlags) => {
      const { cloneInstance } = await import('../actions/instance-clone.js');
      await cloneInstance(invocation, reference, name, flags);
    });
}
