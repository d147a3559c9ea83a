import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { Observation } from '@berth/contracts/observation.js';
import { bootDeadlineMs } from '@berth/domain/limits.js';
import type { Observed } from '@berth/engine/driver.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { makeLogger } from '@berth/observability/logger.js';
import { seededRandom } from '@berth/simulation/random.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NodeEngines } from '../nodes/node-engines.js';
import { Vmm, type VmmEnd } from './vmm.js';
import { VmmTable } from './vmm-table.js';
import { startLimitMs, unresponsiveLimitMs, VmmWatcher } from './vmm-watcher.js';

const handle = { vmmId: 'v1', instanceId: 'i1', generation: 1 };
const image = { kind: 'kernel-initrd', kernelPath: 'k', initrdPath: 'i', cmdline: '' } as const;
const shape = { instanceName: 'web', vcpus: 1, memoryMib: 64, onIsolation: 'stop', image } as const;

let driver: ModelDriver;
let watcher: VmmWatcher;
let told: Observation['kind'][];
let ends: VmmEnd[];

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  ends = [];
});
afterEach(() => {
  watcher.close();
  vi.useRealTimers();
});

async function startGuest(bootMedianMs: number, order: VmmOrder | null = null): Promise<void> {
  driver = new ModelDriver({ random: seededRandom(1), profile: { bootMedianMs, bootSpread: 0 } });
  const node = { id: 'n1', name: 'n1', engines: NodeEngines.of(driver), bootId: 'b', zone: 'z', rack: 'r' };
  const table = new VmmTable();
  const report = ({ kind }: Observation) => void told.push(kind);
  watcher = new VmmWatcher(table, report, (_, end) => ends.push(end), makeLogger('worker', 'silent'));
  watcher.watch(node);
  table.restore(new Vmm(node, driver, handle, order, { operationId: null, end: null }));
  await driver.start({ ...handle, ...shape }, new AbortController().signal);
}

const unresponsive = (): Observed => ({ handle, state: 'unresponsive', phasesMs: {} });

describe('a watcher', () => {
  test('ends a guest that is not ready in time', async () => {
    await startGuest(10 * startLimitMs);
    await vi.advanceTimersByTimeAsync(startLimitMs - 1);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toMatchObject([{ reason: 'start-timeout' }]);
    expect(told).toEqual(['vmm-gone']);
  });

  test('waits for a system that says itself when it is up, but not for ever', async () => {
    const disk = { kind: 'disk', sha256: 'a'.repeat(64), sizeBytes: 1, virtualSizeBytes: 1, firmware: 'bios' } as const;
    const own = { project: 'default', driver: 'tcg', diskGib: 1 } as const;
    await startGuest(10 * bootDeadlineMs, { ...handle, ...shape, ...own, image: { ...disk, ready: 'agent' } });
    await vi.advanceTimersByTimeAsync(bootDeadlineMs - 1);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toMatchObject([{ reason: 'start-timeout' }]);
  });

  test('tells ready once, and leaves a ready guest alone for ever', async () => {
    await startGuest(100);
    await vi.advanceTimersByTimeAsync(10 * startLimitMs);
    watcher.observe(await driver.inspect(handle));
    expect([told, ends]).toEqual([['vmm-ready'], []]);
  });

  test('ends a guest that answers nobody for too long', async () => {
    await startGuest(100);
    await vi.advanceTimersByTimeAsync(100);
    driver.inspect = () => Promise.resolve(unresponsive());
    watcher.observe(unresponsive());
    await vi.advanceTimersByTimeAsync(unresponsiveLimitMs);
    expect(ends).toMatchObject([{ reason: 'unresponsive' }]);
  });

  test('spares a guest that answers again, though nobody was told', async () => {
    await startGuest(100);
    await vi.advanceTimersByTimeAsync(100);
    watcher.observe(unresponsive());
    await vi.advanceTimersByTimeAsync(unresponsiveLimitMs);
    expect([told, ends]).toEqual([['vmm-ready'], []]);
  });

  test('tells the end of a vmm once, whoever sees it', async () => {
    await startGuest(100);
    await driver.kill(handle, 'stopped');
    watcher.observe(await driver.inspect(handle));
    expect(told).toEqual(['vmm-gone']);
  });
});
