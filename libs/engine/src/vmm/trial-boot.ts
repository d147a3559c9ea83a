import { randomUUID } from 'node:crypto';
import type { EngineDriver } from '../driver.js';
import { untilReady } from '../until-ready.js';
import type { KernelInitrdImage } from '../vmm-spec.js';
import type { StateDirectory } from './state.js';

const trialInstanceId = 'probe';

/**
 * Boots an image once, for real: that a program or a device file exists says nothing about what it can do. Resolves to
 * the milliseconds from start to ready and leaves nothing.
 * @throws Error that says why the guest did not become ready
 */
export async function trialBoot(
  driver: EngineDriver,
  state: StateDirectory,
  image: KernelInitrdImage,
  limitMs: number,
): Promise<number> {
  const generation = (await state.highestGeneration(trialInstanceId)) + 1;
  const handle = { vmmId: `probe-${randomUUID()}`, instanceId: trialInstanceId, generation };
  const shape = { instanceName: 'probe', vcpus: 1, memoryMib: 64, onIsolation: 'keep' } as const;
  try {
    const signal = AbortSignal.timeout(limitMs);
    await driver.start({ ...handle, ...shape, image }, signal);
    const { phasesMs, exit } = await untilReady(driver, handle, signal);
    if (phasesMs.ready === undefined) throw new Error(exit?.detail ?? 'the guest did not become ready');
    return Math.round(phasesMs.ready);
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    throw isLate ? new Error(`not ready in ${(limitMs / 1000).toFixed(1)} s`, { cause: error }) : error;
  } finally {
    await driver.release(handle).catch(() => undefined);
  }
}
