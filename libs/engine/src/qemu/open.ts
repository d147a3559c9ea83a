import { locate } from '../locate.js';
import { tinyGuest } from '../tiny-guest.js';
import type { Accelerator } from './machine.js';
import { findConfinement } from '../confinement/confinement.js';
import { findFirmware } from './firmware.js';
import { QemuDriver } from './qemu-driver.js';

/** What engines drive; other paths are for trials. */
export interface EnginePrograms {
  readonly qemuPath: string;
  readonly kvmPath: string;
  /** `MachineFiles.sharesMemory`; true when absent. */
  readonly sharesMemory?: boolean;
}
export const defaultPrograms: EnginePrograms = { qemuPath: 'qemu-system-x86_64', kvmPath: '/dev/kvm' };

/**
 * The driver as it suits this machine. `statePath` is the node's own directory; what ran from it before is found again.
 */
export async function openQemuDriver(
  accelerator: Accelerator,
  statePath: string,
  programs: EnginePrograms = defaultPrograms,
): Promise<QemuDriver> {
  const firmware = await findFirmware();
  return QemuDriver.open({
    accelerator,
    statePath,
    sharesMemory: true,
    ...programs,
    guardPath: locate('libs/engine/guard/berth-guard.pl'),
    smokeImage: tinyGuest(),
    ...(firmware ? { firmware } : {}),
    confinement: await findConfinement(statePath),
  });
}
