import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { seededRandom } from '@berth/simulation/random.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NodeEngines } from '../nodes/node-engines.js';
import { Vmm } from '../vmms/vmm.js';
import { UsageMeter } from './vmm-usage.js';

const handle = { vmmId: 'v1', instanceId: 'i1', generation: 1 };
const image = { kind: 'kernel-initrd', kernelPath: 'k', initrdPath: 'i', cmdline: '' } as const;
const shape = { instanceName: 'web', vcpus: 2, memoryMib: 64, onIsolation: 'stop', image } as const;

let driver: ModelDriver;
let vmm: Vmm;
let usage: UsageMeter;

beforeEach(async () => {
  vi.useFakeTimers();
  driver = new ModelDriver({ random: seededRandom(1), profile: { bootMedianMs: 100, bootSpread: 0 } });
  const node = { id: 'n1', name: 'n1', engines: NodeEngines.of(driver), bootId: 'b', zone: 'z', rack: 'r' };
  vmm = new Vmm(node, driver, handle, null, { operationId: null, end: null });
  usage = new UsageMeter({ observe: (observed) => void (vmm.observed = observed) });
  await driver.start({ ...handle, ...shape }, new AbortController().signal);
  vmm.observed = await driver.inspect(handle);
  await vi.advanceTimersByTimeAsync(1_000);
});
afterEach(() => vi.useRealTimers());

describe('the use of a vmm', () => {
  test.each([10, 30, 50, 80, 100])('is what a guest burnt since the last look, asked for %i %%', async (percent) => {
    await usage.usageOf(vmm);
    await driver.setLoad(handle, percent);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await usage.usageOf(vmm)).toMatchObject({ state: 'running', cpuMillis: 2 * 10 * percent });
  });

  test('is as of now for who makes a rate of it, and no look for the next', async () => {
    await driver.setLoad(handle, 50);
    await usage.usageOf(vmm);
    const before = await usage.statsOf(vmm);
    await driver.setLoad(handle, 100);
    await vi.advanceTimersByTimeAsync(2_000);
    const after = await usage.statsOf(vmm);
    expect(after!.cpuMs - before!.cpuMs).toBeCloseTo(4_000);
    await driver.setLoad(handle, 0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await usage.usageOf(vmm)).toMatchObject({ cpuMillis: 1_000 });
  });

  test('stays the last one of a vmm that gives no more, until its watcher has heard', async () => {
    await driver.setLoad(handle, 50);
    await usage.usageOf(vmm);
    const before = await usage.statsOf(vmm);
    await driver.release(handle);
    expect(await usage.statsOf(vmm)).toEqual(before);
    expect(await usage.usageOf(vmm)).toBeUndefined();
  });
});
