import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findConfinement, missingOf } from '../confinement/confinement.js';
import { perlPath } from '../confinement/perl.js';
import { setprivPath, type UserIds } from '../confinement/user-ids.js';
import { locate } from '../locate.js';
import { tinyGuest } from '../tiny-guest.js';
import { nodeLine, type Emulator } from './arguments.js';
import { findFirmware } from './firmware.js';
import { V86Driver } from './v86-driver.js';
import { versionOfV86 } from './version.js';

const mainPath = 'dist/libs/engine/src/v86/emulator/main.js';
const tryTimeoutMs = 10_000;
const closed =
  'Node, or dist and node_modules of Berth, are closed to other users (open these, and not .data, by chmod -R o+rX): ' +
  'every vmm of v86 runs as the user of the worker, and reaches what that reaches';
const noSeccomp =
  'under v86 no seccomp (Linux on x86-64): a vmm that is taken over may make every system call of its user';

/**
 * `statePath` is the node's own directory; what ran from it before is found again. `nodePath`: another Node.
 * @throws where there is no perl
 */
export async function openV86Driver(statePath: string, nodePath = process.execPath): Promise<V86Driver> {
  await promisify(execFile)(perlPath, ['-e', '0']).catch((cause: Error) => {
    throw new Error(`${perlPath} does not run, and guards need it; install it with: apt-get install perl-base`, {
      cause,
    });
  });
  const guardPath = locate('libs/engine/guard/berth-guard.pl');
  const isFiltered = await canFilter(guardPath);
  const codePath = locate(mainPath).slice(0, -mainPath.length);
  const emulator = { nodePath, codePath, mainPath };
  const found = await findConfinement(statePath);
  const { userIds, egress: _, ...withoutUsers } = found;
  const mayRun = !userIds || (await mayRunAs(userIds, emulator));
  return V86Driver.open({
    statePath,
    emulator,
    guardPath,
    isFiltered,
    smokeImage: tinyGuest('i386'),
    version: versionOfV86(),
    confinement: mayRun ? found : withoutUsers,
    lacks: [...missingOf(found), ...(mayRun ? [] : [closed]), ...(isFiltered ? [] : [noSeccomp])],
    ...findFirmware(),
  });
}

/** Of the numbers of x86-64, tried by the guard itself. */
async function canFilter(guardPath: string): Promise<boolean> {
  if (process.arch !== 'x64') return false;
  return promisify(execFile)(perlPath, [guardPath, '--filtered', 'yes', '--']).then(
    () => true,
    () => false,
  );
}

/** A checkout, or Node itself, may be closed to the users of vmms: tried, as such a user. */
async function mayRunAs({ first, count }: UserIds, { nodePath, codePath, mainPath }: Emulator): Promise<boolean> {
  const [node, code] = await Promise.all([open(nodePath), open(codePath)]);
  try {
    const userId = `${first + count - 1}`;
    const user = ['--reuid', userId, '--regid', userId, '--clear-groups', '--no-new-privs', '--'];
    const stdio = ['ignore', 'ignore', 'ignore', node.fd, code.fd] as const;
    const tried = spawn(setprivPath, [...user, ...nodeLine('3', '4', mainPath), 'try'], {
      stdio: [...stdio],
      env: {},
      timeout: tryTimeoutMs,
    });
    const [exitCode] = (await once(tried, 'exit')) as [number | null];
    return exitCode === 0;
  } finally {
    await Promise.all([node.close(), code.close()]);
  }
}
