import type { VmmStats } from '@berth/engine/driver.js';
import type { NameFrom } from '@berth/observability/catalogue.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { UsageMeter } from './vmm-usage.js';

const bytesPerMib = 1024 * 1024;
const bytesOf = (mib: number | undefined) => (mib === undefined ? undefined : mib * bytesPerMib);
const secondsOf = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1_000);

/** What of a vmm's figures stands in which metric. */
const figures = [
  ['berth_instance_cpu_usage_seconds_total', ({ cpuMs }) => secondsOf(cpuMs)],
  ['berth_instance_vcpu_usage_seconds_total', ({ vcpuMs }) => secondsOf(vcpuMs)],
  ['berth_instance_cpu_delay_seconds_total', ({ cpuDelayMs }) => secondsOf(cpuDelayMs)],
  ['berth_instance_storage_read_bytes_total', ({ storage }) => storage?.readBytes],
  ['berth_instance_storage_written_bytes_total', ({ storage }) => storage?.writtenBytes],
  ['berth_instance_storage_reads_total', ({ storage }) => storage?.reads],
  ['berth_instance_storage_writes_total', ({ storage }) => storage?.writes],
  ['berth_instance_storage_read_time_seconds_total', ({ storage }) => secondsOf(storage?.readMs)],
  ['berth_instance_storage_write_time_seconds_total', ({ storage }) => secondsOf(storage?.writeMs)],
  ['berth_instance_memory_resident_bytes', ({ residentMib }) => bytesOf(residentMib)],
  ['berth_instance_memory_private_bytes', ({ privateMib }) => bytesOf(privateMib)],
  ['berth_instance_memory_available_bytes', ({ guest }) => bytesOf(guest?.memoryAvailableMib)],
  [
    'berth_instance_memory_used_bytes',
    ({ guest }) => guest && bytesOf(guest.memoryTotalMib - guest.memoryAvailableMib),
  ],
] as const satisfies readonly (readonly [NameFrom<'worker'>, (stats: VmmStats) => number | undefined])[];

/**
 * Every vmm is looked at for the scrape: what a look of some seconds before told makes no rate. Series are made anew
 * each time, at once, so that those of a vmm end with it; what is not measured has none.
 */
export async function showInstances(
  metrics: Metrics<'worker'>,
  table: Pick<VmmTable, 'all'>,
  usage: Pick<UsageMeter, 'statsOf'>,
): Promise<void> {
  const looked = await Promise.all(
    table
      .all()
      .filter((vmm) => vmm.driver.name !== 'model' && vmm.liveState)
      .map(async (vmm) => ({ vmm, stats: await usage.statsOf(vmm) })),
  );
  const info = metrics.get('berth_instance_info');
  const assigned = metrics.get('berth_instance_memory_assigned_bytes');
  const heartbeatAge = metrics.get('berth_instance_heartbeat_age_seconds');
  const measured = figures.map(([name, read]) => ({ metric: metrics.get(name), read }));
  for (const metric of [info, assigned, heartbeatAge, ...measured.map((one) => one.metric)]) metric.reset();
  for (const { vmm, stats } of looked) {
    const { node, driver, order, observed, handle } = vmm;
    if (!vmm.liveState || !order) continue;
    const labels = { node: node.name, instance_id: handle.instanceId };
    info.set({ ...labels, name: order.instanceName, project: order.project, driver: driver.name }, 1);
    assigned.set(labels, order.memoryMib * bytesPerMib);
    if (observed?.heartbeat && observed.state !== 'paused') heartbeatAge.set(labels, observed.heartbeat.ageMs / 1_000);
    if (!stats) continue;
    for (const { metric, read } of measured) {
      const value = read(stats);
      if (value !== undefined) metric.inc(labels, value);
    }
  }
}
