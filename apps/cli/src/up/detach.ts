import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CliError } from '../output/failure.js';
import type { Terminal } from '../output/terminal.js';
import type { DaemonOrder, DaemonWord } from './daemon.js';
import { layoutOf, logPathOf } from './layout.js';

/** Starts the launcher as a process of its own and resolves to its report when the datacenter is up. */
export async function upDetached(order: DaemonOrder, tell: Terminal['tell']): Promise<string> {
  const layout = layoutOf(order.options.dataDir);
  mkdirSync(layout.logsDir, { recursive: true });
  const logPath = logPathOf(layout, 'launcher');
  const log = openSync(logPath, 'a');
  const daemon = fork(fileURLToPath(new URL('daemon.js', import.meta.url)), {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const passOn = (): void => void daemon.kill('SIGTERM');
  process.once('SIGINT', passOn);
  process.once('SIGTERM', passOn);
  try {
    return await new Promise<string>((resolve, reject) => {
      daemon.on('message', (word: DaemonWord) => {
        if (word.kind === 'progress') tell(word.text);
        else if (word.kind === 'ready') resolve(word.text);
        else if (word.kind === 'failed') reject(new CliError(word.text, { exitCode: word.exitCode }));
      });
      daemon.once('exit', () => reject(new CliError('the launcher ended', { next: `see ${logPath}` })));
      daemon.send(order);
    });
  } finally {
    process.off('SIGINT', passOn);
    process.off('SIGTERM', passOn);
    if (daemon.connected) daemon.disconnect();
    daemon.unref();
  }
}
