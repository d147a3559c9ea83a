import type { Command } from 'commander';
import type { SshFlags } from '../actions/instance-ssh.js';
import type { VncFlags } from '../actions/instance-vnc.js';
import type { Invocation } from './invocation.js';

/** How a person gets to a guest: by its network, its screen and its serial line. */
export function addWaysIn(instance: Command, invocation: Invocation): void {
  instance
    .command('ssh <instance> [command...]')
    .description('by ssh into a guest that declares port 22; a command after --')
    .option('-l, --login <user>', "default: the one that images of its OS family have, else ssh's own")
    .option('-i, --identity <file>', 'private key')
    .option('--wait <time>', 'for its ssh to answer: 90s, 10m (default: 5m)')
    .action(async (reference: string, command: string[], flags: SshFlags) => {
      const { sshInstance } = await import('../actions/instance-ssh.js');
      await sshInstance(invocation, reference, command, flags);
    });

  instance
    .command('screenshot <instance>')
    .description('a picture of its screen, for guests that have one')
    .option('-f, --file <path>', 'where to write the PNG; INSTANCE.png when absent')
    .action(async (reference: string, flags: { file?: string }) => {
      const { saveScreenshot } = await import('../actions/screenshot.js');
      await saveScreenshot(invocation, reference, flags.file);
    });

  instance
    .command('vnc <instance>')
    .description('its screen, keyboard and mouse, for any VNC viewer on this machine')
    .option('--listen <port>', 'of 127.0.0.1, for the viewer; any free one when absent')
    .option('--url', 'only print a WebSocket and its subprotocols, good for one connection: for noVNC')
    .action(async (reference: string, flags: VncFlags) => {
      const { openVnc } = await import('../actions/instance-vnc.js');
      await openVnc(invocation, reference, flags);
    });

  instance
    .command('console <instance>')
    .description('what its serial console wrote')
    .option('-f, --follow', 'go on with what it writes, until Ctrl-C')
    .option('-a, --attach', 'type to it too, until Ctrl-]')
    .action(async (reference: string, flags: { follow?: true; attach?: true }) => {
      if (flags.attach === true) {
        const { attachConsole } = await import('../actions/console-attach.js');
        return attachConsole(invocation, reference);
      }
      const { showConsole } = await import('../actions/console-log.js');
      await showConsole(invocation, reference, flags.follow === true);
    });
}
