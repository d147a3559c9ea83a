import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive } from '../servers/process-identity.js';
import type { PidFile } from '../servers/server-process.js';
import { CliError } from '../output/failure.js';
import type { Layout } from './layout.js';
import { readPidFile } from './left-over.js';

const lockPathOf = (layout: Layout): string => join(layout.runDir, 'launcher.json');

/** The launcher that holds the data folder now. */
export function runningLauncher(layout: Layout): PidFile | undefined {
  const holder = readPidFile(lockPathOf(layout));
  return holder && isAlive(holder) ? holder : undefined;
}

/**
 * One launcher a data folder.
 * @throws CliError when another holds it
 */
export function takeLauncherLock(layout: Layout): void {
  const holder = runningLauncher(layout);
  if (holder && holder.pid !== process.pid) {
    throw new CliError(`a datacenter runs in ${layout.dataDir} already (process ${holder.pid})`, {
      next: `berth status --data-dir ${layout.dataDir}, or berth down --data-dir ${layout.dataDir}`,
    });
  }
  const self = identify(process.pid);
  writeFileSync(lockPathOf(layout), JSON.stringify({ ...self, stopSignal: 'SIGTERM' }));
}

export function releaseLauncherLock(layout: Layout): void {
  rmSync(lockPathOf(layout), { force: true });
}
