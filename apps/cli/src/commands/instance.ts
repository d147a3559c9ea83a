import type { Command } from 'commander';
import type { CreateFlags } from '../actions/instance-create.js';
import type { ExecFlags } from '../actions/instance-exec.js';
import type { InstanceVerb, VerbFlags } from '../actions/instance-verb.js';
import type { ListFlags, OutputFlags } from '../actions/list.js';
import { collect } from '../output/format.js';
import { addClone, addRebuild } from './instance-disk.js';
import { addWaysIn } from './instance-ways.js';
import type { Invocation } from './invocation.js';
import { withList, withOutput, withWait } from './options.js';
import { addRestore } from './snapshot.js';

const verbs: Record<InstanceVerb, string> = {
  start: 'start instances that are stopped',
  stop: 'stop instances; their name, quota and place in the record stay',
  reboot: "start the guests' operating system again",
  pause: 'let running instances stand still; they keep their node and memory',
  suspend: 'keep the memory of running instances on their nodes and give their place there up',
  resume: 'let paused or suspended instances go on from where they stood still',
  resize: 'give instances another type or larger disks',
  migrate: 'move running instances to another node, while they run',
  rescue: 'boot instances from another image, with their own disk behind that',
  unrescue: 'boot rescued instances from their own disk again',
  delete: 'delete instances for good',
};

export function addInstanceCommands(program: Command, invocation: Invocation): void {
  const instance = program.command('instance').alias('instances').description('virtual machines');
  addCreate(instance, invocation);
  addExec(instance, invocation);
  addRestore(instance, invocation);
  addRebuild(instance, invocation);
  addClone(instance, invocation);

  withList(instance.command('list').description('all of the project')).action(async (flags: ListFlags) => {
    const [{ list }, { instanceNoun }] = await Promise.all([
      import('../actions/list.js'),
      import('../nouns/instance.js'),
    ]);
    await list(invocation, instanceNoun, flags);
  });

  withOutput(instance.command('get <instance>').description('one, by name, id or the beginning of one')).action(
    async (reference: string, flags: OutputFlags) => {
      const [{ get }, { instanceNoun }] = await Promise.all([
        import('../actions/list.js'),
        import('../nouns/instance.js'),
      ]);
      await get(invocation, instanceNoun, reference, flags);
    },
  );

  for (const [verb, description] of Object.entries(verbs) as [InstanceVerb, string][]) {
    const command = withWait(instance.command(`${verb} <instance...>`).description(description));
    command.option('--dry-run', 'only say which');
    if (verb === 'migrate') addMigrateOptions(command);
    if (verb === 'resize') addResizeOptions(command);
    if (verb === 'rescue') command.option('-i, --image <image>', 'name or id (default: tiny)');
    if (verb === 'delete') command.option('-y, --yes', 'do not ask');
    command.action(async (references: string[], flags: VerbFlags) => {
      const { actOnInstances } = await import('../actions/instance-verb.js');
      await actOnInstances(invocation, verb, references, flags);
    });
  }

  instance
    .command('explain <instance>')
    .description('why it is where it is, or nowhere')
    .option('--json', 'the decisions as the API gives them')
    .action(async (reference: string, flags: { json?: true }) => {
      const { explainInstance } = await import('../actions/instance-explain.js');
      await explainInstance(invocation, reference, flags.json === true);
    });
  addWaysIn(instance, invocation);
}

function addMigrateOptions(command: Command): void {
  command
    .option('--to <node>', 'where to; without it, the best node that can')
    .option('--cancel', 'call off the moves that are under way')
    .option('--bandwidth <MiB/s>', 'at most; where the node allows less, that')
    .option('--downtime <ms>', 'the guest is stopped once the rest takes no longer')
    .option('--auto-converge', 'slow a guest down that writes faster than is sent')
    .option('--converge-within <time>', 'how long its memory is sent while it runs: 60s (the default), 5m')
    .option('--postcopy <when>', 'then go on before all is there: when-needed (the default), or never: stand still')
    .option('--stay', 'then stay and fail');
}

function addResizeOptions(command: Command): void {
  command
    .option('-t, --type <type>', 'instance type: its CPUs and memory')
    .option('--disk <gib>', 'size of the disk in GiB; it grows while its guest runs')
    .option('--restart', 'stop and start those that run, once a place is held for them');
}

function addExec(instance: Command, invocation: Invocation): void {
  withOutput(instance.command('exec <instance> <command...>'))
    .description("run a command in the guest: berth instance exec web -- ls -l /; its exit code is the command's")
    .option('--timeout <time>', 'kill it after: 10s, 1m (default: 30s, at most 60s)')
    .action(async (reference: string, command: string[], flags: ExecFlags) => {
      const { runInGuest } = await import('../actions/instance-exec.js');
      await runInGuest(invocation, reference, command, flags);
    });
}

function addCreate(instance: Command, invocation: Invocation): void {
  const create = instance.command('create <name>').description('one or many; exit code 2 when no node takes it');
  withWait(withOutput(create))
    .requiredOption('-t, --type <type>', 'instance type')
    .option('-i, --image <image>', 'name or id', 'tiny')
    .option('-c, --count <n>', 'so many, NAME-1, NAME-2, ...')
    .option('--label <key=value>', 'may be repeated', collect)
    .option('--ssh-key <key>', 'who may log in: a public key, or @FILE; may be repeated', collect)
    .option('--user-data <text>', 'for cloud-init: a document, or @FILE')
    .option('-p, --port <port>', 'of the guest, to be reached from outside; may be repeated', collect)
    .option('--node-selector <key=value>', 'only nodes with this label; may be repeated', collect)
    .option('--group <name>', 'placement group')
    .option('--group-policy <policy>', 'anti-affinity (the default), affinity, spread-zone, spread-rack')
    .option('--zone-spread <n>', 'largest difference in members between two zones')
    .option('--driver <driver>', 'kvm, tcg, v86 or model; may be repeated', collect)
    .option('--restart <policy>', 'always, on-failure, never')
    .option('--on-isolation <policy>', 'when its node loses its lease: keep or stop')
    .option('--idempotency-key <key>', 'the same key again gives the same answer')
    .option('--dry-run', 'only say where it would go')
    .action(async (name: string, flags: CreateFlags) => {
      const { createInstances } = await import('../actions/instance-create.js');
      await createInstances(invocation, name, flags);
    });
}
