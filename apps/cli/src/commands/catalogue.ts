import type { Command } from 'commander';
import type { CreateProjectFlags, CreateTokenFlags } from '../actions/access.js';
import type { CreateTypeFlags } from '../actions/instance-type.js';
import type { ListFlags, OutputFlags } from '../actions/list.js';
import type { Noun } from '../output/noun.js';
import type { Invocation } from './invocation.js';
import { withList, withOutput } from './options.js';

/** type, project, token: what instances are made from and who may. */
export function addCatalogueCommands(program: Command, invocation: Invocation): void {
  const nouns = () => import('../nouns/catalogue.js');
  const type = program.command('type').alias('types').description('instance types: named shapes');
  addList(type, invocation, async () => (await nouns()).instanceTypeNoun);
  addTypeCommands(type, invocation);

  const project = program.command('project').alias('projects').description('tenants: quotas, tokens, names');
  addList(project, invocation, async () => (await nouns()).projectNoun);
  withOutput(project.command('create <name>').description('for administrators'))
    .option('--instances <n>', 'quota: instances')
    .option('--vcpus <n>', 'quota: vcpus')
    .option('--memory <mib>', 'quota: memory in MiB')
    .action(async (name: string, flags: CreateProjectFlags) => {
      const { createProject } = await import('../actions/access.js');
      await createProject(invocation, name, flags);
    });

  const token = program.command('token').alias('tokens').description('access to one project');
  withOutput(token.command('list <project>').description('never their secrets')).action(
    async (name: string, flags: ListFlags) => {
      const { listTokens } = await import('../actions/access.js');
      await listTokens(invocation, name, flags);
    },
  );
  token
    .command('create <project> <name>')
    .description('prints the token: it is shown this once')
    .requiredOption('--role <role>', 'viewer, operator or admin')
    .option('--hours <n>', 'valid so long (default: until revoked)')
    .action(async (projectName: string, name: string, flags: CreateTokenFlags) => {
      const { createToken } = await import('../actions/access.js');
      await createToken(invocation, projectName, name, flags);
    });
}

function addTypeCommands(type: Command, invocation: Invocation): void {
  withOutput(type.command('get <type>').description('one, by name')).action(
    async (name: string, flags: OutputFlags) => {
      const { getType } = await import('../actions/instance-type.js');
      await getType(invocation, name, flags);
    },
  );
  withOutput(type.command('create <name>').description('for administrators; a type is never changed'))
    .requiredOption('--vcpus <n>', 'virtual CPUs')
    .requiredOption('--memory <mib>', 'memory in MiB')
    .option('--disk <gib>', 'disk in GiB, for images that have one', '0')
    .action(async (name: string, flags: CreateTypeFlags) => {
      const { createType } = await import('../actions/instance-type.js');
      await createType(invocation, name, flags);
    });
}

function addList<T>(parent: Command, invocation: Invocation, noun: () => Promise<Noun<T>>): void {
  withList(parent.command('list').description('all there are')).action(async (flags: ListFlags) => {
    const { list } = await import('../actions/list.js');
    await list(invocation, await noun(), flags);
  });
}
