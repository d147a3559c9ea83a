import { existsSync } from 'node:fs';
import { locate } from '../locate.js';
import { tinyGuest } from '../tiny-guest.js';
import type { Accelerator } from './arguments.js';
import { QemuDriver } from './qemu-driver.js';

const setprivPaths = ['/usr/bin/setpriv', '/bin/setpriv'];

/**
 * The driver as it suits this machine. `statePath` is the node's own directory; what ran from it before is found
 * again.
 */
export function openQemuDriver(accelerator: Accelerator, statePath: string): Promise<QemuDriver> {
  const setprivPath = setprivPaths.find((path) => existsSync(path));
  return QemuDriver.open({
    accelerator,
    statePath,
    qemuPath: 'qemu-system-x86_64',
    guardPath: locate('libs/engine/guard/berth-guard.pl'),
    smokeImage: tinyGuest(),
    dropPrivileges: setprivPath !== undefined && process.getuid?.() === 0,
    ...(setprivPath === undefined ? {} : { setprivPath }),
  });
}
