import type { Command } from 'commander';
import type { Invocation } from './invocation.js';

/** up, down, status, setup: the datacenter on this machine. */
export function addDatacenterCommands(program: Command, invocation: Invocation): void {
  const { environment, print, tell } = invocation;

  program
    .command('up')
    .description('start a datacenter on this machine and stay until Ctrl-C')
    .option('--nodes <n>', 'worker nodes (default: 3)')
    .option('--instances <n>', 'instances to have (default: 6 on the first start, then those that are there)')
    .option('--port <n>', 'of the API; another one is taken when it is in use (default: 8420)')
    .option('--log-level <level>', 'of every process: debug, info, warn, error (default: info)')
    .option('-d, --detach', 'return when it is up; stop it with "berth down"')
    .action(async (flags: UpCommandFlags) => {
      const { upOptions } = await import('../up/up-options.js');
      const options = upOptions(flags, invocation.dataDir, environment);
      if (flags.detach) {
        const { upDetached } = await import('../up/detach.js');
        print(await upDetached({ options, environment }, tell));
      } else {
        const { runUp } = await import('../up/up.js');
        await runUp(options, environment, tell, (report) => print(`${report}\n\nCtrl-C stops everything`));
      }
    });

  program
    .command('down')
    .description('stop the datacenter; its instances come back at the next start')
    .action(async () => {
      const { down } = await import('../up/down.js');
      await down(invocation.dataDir, tell);
    });

  program
    .command('status')
    .description("this machine's processes and the state of the fleet")
    .action(async () => {
      const { showStatus } = await import('../actions/status.js');
      await showStatus(invocation);
    });

  program
    .command('setup')
    .description('install what Berth drives and npm does not bring: QEMU, Redis')
    .action(async () => {
      const { setUpSystem } = await import('../system/set-up.js');
      const { progressTo } = await import('../up/progress.js');
      const progress = progressTo(tell, new AbortController().signal);
      await setUpSystem(progress, environment, { redis: false });
    });
}

interface UpCommandFlags {
  readonly nodes?: string;
  readonly instances?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly detach?: true;
}
