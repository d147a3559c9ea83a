import { randomUUID } from 'node:crypto';
import type { EngineCapabilities, EngineDriver } from '../driver.js';
import type { KernelInitrdImage } from '../vmm-spec.js';
import { untilReady } from '../until-ready.js';
import type { Accelerator } from './machine.js';
import { qemuVersion } from './version.js';

/** A tiny guest is ready in about a second under emulation; ten times that is an engine of no use. */
const bootTimeoutMs = 15_000;
const probeInstanceId = 'probe';

/** Boots the smoke image once, for real: that a program or a device file exists says nothing about what it can do. */
export async function probeQemu(
  driver: EngineDriver,
  options: { accelerator: Accelerator; qemuPath: string; smokeImage: KernelInitrdImage },
  highestGeneration: (instanceId: string) => Promise<number>,
  limitMs = bootTimeoutMs,
): Promise<EngineCapabilities> {
  const name = options.accelerator;
  const version = await qemuVersion(options.qemuPath);
  if (version === undefined) {
    const remedy = 'apt-get install qemu-system-x86';
    return { driver: name, available: false, detail: `${options.qemuPath} does not run; install it with: ${remedy}` };
  }
  const generation = (await highestGeneration(probeInstanceId)) + 1;
  const handle = { vmmId: `probe-${randomUUID()}`, instanceId: probeInstanceId, generation };
  const shape = { instanceName: 'probe', vcpus: 1, memoryMib: 64, onIsolation: 'keep' } as const;
  try {
    const signal = AbortSignal.timeout(limitMs);
    await driver.start({ ...handle, ...shape, image: options.smokeImage }, signal);
    const { phasesMs, exit } = await untilReady(driver, handle, signal);
    if (phasesMs.ready === undefined) throw new Error(exit?.detail ?? 'the guest did not become ready');
    return { driver: name, available: true, detail: `QEMU ${version}`, bootDurationMs: Math.round(phasesMs.ready) };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    const said = error instanceof Error ? error.message : String(error);
    const why = isLate ? `not ready in ${(limitMs / 1000).toFixed(1)} s` : said;
    return { driver: name, available: false, detail: `QEMU ${version} does not boot the tiny guest: ${why}` };
  } finally {
    await driver.release(handle).catch(() => undefined);
  }
}
