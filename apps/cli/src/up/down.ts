import { existsSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../servers/process-identity.js';
import type { Terminal } from '../output/terminal.js';
import { stopGuests } from './guests.js';
import { releaseLauncherLock, runningLauncher } from './launcher-lock.js';
import { layoutOf } from './layout.js';
import { stopLeftOvers } from './left-over.js';

const launcherGraceMs = 60_000;

/** Stops the datacenter of a data folder: by its launcher, or, where that is dead, what it left. */
export async function down(dataDir: string, tell: Terminal['tell']): Promise<void> {
  const layout = layoutOf(dataDir);
  if (!existsSync(layout.runDir)) return tell(`no datacenter in ${layout.dataDir}`);
  const launcher = runningLauncher(layout);
  if (launcher) {
    tell('· stopping ...');
    process.kill(launcher.pid, 'SIGTERM');
    const deadline = performance.now() + launcherGraceMs;
    while (isAlive(launcher)) {
      if (performance.now() > deadline) process.kill(launcher.pid, 'SIGKILL');
      await delay(50);
    }
  }
  const left = await stopLeftOvers(layout);
  await stopGuests(layout);
  rmSync(layout.datacenterFile, { force: true });
  releaseLauncherLock(layout);
  tell(launcher || left.length > 0 ? '✓ everything stopped' : `nothing runs in ${layout.dataDir}`);
}
