import type { Command } from 'commander';
import type { CertificateFlags } from '../actions/node-certificate.js';
import type { ListFlags, OutputFlags } from '../actions/list.js';
import type { WaitFlags } from '../actions/wait.js';
import type { Invocation } from './invocation.js';
import { withList, withOutput, withWait } from './options.js';

const cordons = {
  cordon: 'no new placements on these nodes',
  uncordon: 'allow placements again; calls a drain off',
} as const;

export function addNodeCommands(program: Command, invocation: Invocation): void {
  const node = program.command('node').alias('nodes').description('machines that run instances');

  withList(node.command('list').description('all of the fleet')).action(async (flags: ListFlags) => {
    const [{ list }, { nodeNoun }] = await Promise.all([import('../actions/list.js'), import('../nouns/node.js')]);
    await list(invocation, nodeNoun, flags);
  });

  withOutput(node.command('get <node>').description('one')).action(async (reference: string, flags: OutputFlags) => {
    const [{ get }, { nodeNoun }] = await Promise.all([import('../actions/list.js'), import('../nouns/node.js')]);
    await get(invocation, nodeNoun, reference, flags);
  });

  for (const [verb, description] of Object.entries(cordons) as [keyof typeof cordons, string][]) {
    withOutput(node.command(`${verb} <node...>`).description(description)).action(
      async (references: string[], flags: OutputFlags) => {
        const { cordonNodes } = await import('../actions/node-verb.js');
        await cordonNodes(invocation, verb, references, flags);
      },
    );
  }

  withWait(node.command('drain <node>').description('cordon it and move every instance elsewhere')).action(
    async (reference: string, flags: WaitFlags) => {
      const { drainNode } = await import('../actions/node-verb.js');
      await drainNode(invocation, reference, flags);
    },
  );

  node
    .command('certificate <name>')
    .description('make or renew what a node shows to others when guests move (BERTH_TLS_DIR); needs no datacenter')
    .requiredOption('--authority <folder>', 'of the datacenter; made if it is not there')
    .requiredOption('--output <folder>', 'for the node: ca.crt, tls.crt, tls.key')
    .action(async (name: string, flags: CertificateFlags) => {
      const { makeNodeCertificate } = await import('../actions/node-certificate.js');
      await makeNodeCertificate(invocation, name, flags);
    });

  withOutput(node.command('probe [node]').description('find out by timing real guests which engine is best'))
    .option('--local', 'this machine; needs no datacenter')
    .action(async (reference: string | undefined, flags: OutputFlags & { local?: true }) => {
      const { probeNode } = await import('../actions/node-probe.js');
      await probeNode(invocation, reference, flags);
    });
}
