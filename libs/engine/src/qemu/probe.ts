import type { EngineCapabilities, EngineDriver } from '../driver.js';
import type { StateDirectory } from '../vmm/state.js';
import { trialBoot } from '../vmm/trial-boot.js';
import type { KernelInitrdImage } from '../vmm-spec.js';
import type { Accelerator } from './machine.js';
import { qemuVersion } from './version.js';

/** A tiny guest is ready in about a second under emulation; ten times that is an engine of no use. */
const bootTimeoutMs = 15_000;

/** Asks for QEMU's version and boots the smoke image under it. Never throws. */
export async function probeQemu(
  driver: EngineDriver,
  state: StateDirectory,
  options: { accelerator: Accelerator; qemuPath: string; smokeImage: KernelInitrdImage },
  limitMs = bootTimeoutMs,
): Promise<EngineCapabilities> {
  const name = options.accelerator;
  const version = await qemuVersion(options.qemuPath);
  if (version === undefined) {
    const remedy = 'apt-get install qemu-system-x86';
    return { driver: name, available: false, detail: `${options.qemuPath} does not run; install it with: ${remedy}` };
  }
  try {
    const bootDurationMs = await trialBoot(driver, state, options.smokeImage, limitMs);
    return { driver: name, available: true, detail: `QEMU ${version}`, bootDurationMs };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { driver: name, available: false, detail: `QEMU ${version} does not boot the tiny guest: ${why}` };
  }
}
