import { locate } from '../locate.js';
import { tinyGuest } from '../tiny-guest.js';
import type { Accelerator } from './arguments.js';
import { findConfinement } from './confinement.js';
import { QemuDriver } from './qemu-driver.js';

/**
 * The driver as it suits this machine. `statePath` is the node's own directory; what ran from it before is found again.
 */
export async function openQemuDriver(accelerator: Accelerator, statePath: string): Promise<QemuDriver> {
  return QemuDriver.open({
    accelerator,
    statePath,
    qemuPath: 'qemu-system-x86_64',
    guardPath: locate('libs/engine/guard/berth-guard.pl'),
    smokeImage: tinyGuest(),
    confinement: await findConfinement(),
  });
}
