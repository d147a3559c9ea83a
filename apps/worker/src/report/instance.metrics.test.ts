import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { DriverName, VmmStats } from '@berth/engine/driver.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { Metrics } from '@berth/observability/metrics.js';
import { seededRandom } from '@berth/simulation/random.js';
import { expect, test } from 'vitest';
import { NodeEngines } from '../nodes/node-engines.js';
import { Vmm } from '../vmms/vmm.js';
import { showInstances } from './instance.metrics.js';

const file = { path: 'file', sha256: 'a'.repeat(64) };
const image = { kind: 'kernel-initrd', kernel: file, initrd: file, cmdline: '' } as const;
const shape = { instanceName: 'web', vcpus: 1, memoryMib: 64, onIsolation: 'stop', image } as const;
const memory = { residentMib: 2, privateMib: 1 };

function runningVmm(name: DriverName, instanceId: string): Vmm {
  const driver = new ModelDriver({ random: seededRandom(1) });
  const node = { id: 'n1', name: 'n1', engines: NodeEngines.of(driver), bootId: 'b', zone: 'z', rack: 'r' };
  const handle = { vmmId: `vmm-${instanceId}`, instanceId, generation: 1 };
  const order: VmmOrder = { ...handle, ...shape, project: 'default', driver: 'tcg', diskGib: 0 };
  const vmm = new Vmm(node, Object.create(driver, { name: { value: name } }), handle, order, {
    operationId: null,
    end: null,
  });
  vmm.observed = { handle, state: 'running', phasesMs: {} };
  return vmm;
}

async function shown(vmms: readonly Vmm[], stats: VmmStats): Promise<string[]> {
  const metrics = new Metrics('worker');
  metrics.beforeScrape(() => showInstances(metrics, { all: () => vmms }, { statsOf: () => Promise.resolve(stats) }));
  await metrics.expose();
  return (await metrics.expose()).split('\n').filter((line) => /^berth_instance_.*[^\d]\d+(\.\d+)?$/.test(line));
}

const valueOf = (lines: readonly string[], name: string): number[] =>
  lines.filter((line) => line.startsWith(`${name}{`)).map((line) => Number(line.split(' ').at(-1)));

test('what is measured of an instance is told in base units, the same at each scrape', async () => {
  const storage = { readBytes: 4096, writtenBytes: 512, reads: 3, writes: 2, readMs: 1500, writeMs: 250 };
  const stats = {
    ...memory,
    cpuMs: 3000,
    vcpuMs: 2000,
    cpuDelayMs: 500,
    storage,
    guest: { memoryTotalMib: 60, memoryAvailableMib: 20 },
  };
  const lines = await shown([runningVmm('tcg', 'i1')], stats);
  expect({
    cpu: valueOf(lines, 'berth_instance_cpu_usage_seconds_total'),
    vcpu: valueOf(lines, 'berth_instance_vcpu_usage_seconds_total'),
    delay: valueOf(lines, 'berth_instance_cpu_delay_seconds_total'),
    read: valueOf(lines, 'berth_instance_storage_read_bytes_total'),
    written: valueOf(lines, 'berth_instance_storage_written_bytes_total'),
    reads: valueOf(lines, 'berth_instance_storage_reads_total'),
    writes: valueOf(lines, 'berth_instance_storage_writes_total'),
    readTime: valueOf(lines, 'berth_instance_storage_read_time_seconds_total'),
    writeTime: valueOf(lines, 'berth_instance_storage_write_time_seconds_total'),
    resident: valueOf(lines, 'berth_instance_memory_resident_bytes'),
    available: valueOf(lines, 'berth_instance_memory_available_bytes'),
    used: valueOf(lines, 'berth_instance_memory_used_bytes'),
  }).toEqual({
    cpu: [3],
    vcpu: [2],
    delay: [0.5],
    read: [4096],
    written: [512],
    reads: [3],
    writes: [2],
    readTime: [1.5],
    writeTime: [0.25],
    resident: [2 * 2 ** 20],
    available: [20 * 2 ** 20],
    used: [40 * 2 ** 20],
  });
});

test('what is not measured has no series', async () => {
  const lines = (await shown([runningVmm('v86', 'i1')], { ...memory, cpuMs: 3000 })).join('\n');
  expect(lines).toContain('berth_instance_cpu_usage_seconds_total');
  expect(lines).not.toMatch(/storage|delay|vcpu|available|used/);
});

test('an instance that ends takes its series along', async () => {
  const metrics = new Metrics('worker');
  const [stays, ends] = [runningVmm('tcg', 'stays'), runningVmm('tcg', 'ends')];
  const stats = { ...memory, cpuMs: 3000, cpuDelayMs: 500 };
  const usage = { statsOf: () => Promise.resolve(stats) };
  metrics.beforeScrape(() => showInstances(metrics, { all: () => [stays, ends] }, usage));
  expect(await metrics.expose()).toContain('instance_id="ends"');
  ends.end = { reason: 'deleted', detail: '' };
  const after = await metrics.expose();
  expect(after).not.toContain('instance_id="ends"');
  expect(after).toContain('berth_instance_cpu_delay_seconds_total{node="n1",instance_id="stays"} 0.5');
});
