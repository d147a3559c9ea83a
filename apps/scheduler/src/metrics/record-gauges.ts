import { vcpuHourCost, type CostFile } from '@berth/config/cost-file.js';
import type { GaugeRepository, InstanceGauge, NodeGauge, QuotaGauge } from '@berth/database/gauge.repository.js';
import { nodeTransitions } from '@berth/domain/node-state.js';
import { statesOf } from '@berth/domain/transition.js';
import type { Metrics } from '@berth/observability/metrics.js';

const bytesPerMib = 1024 * 1024;
const bytesPerGib = 1024 * bytesPerMib;
const microsPerUnit = 1_000_000;
const source = 'model';

/**
 * Read off the record before every scrape and set as a whole: what is gone from the record is gone from the metrics.
 */
export function showRecord(metrics: Metrics<'scheduler'>, record: GaugeRepository, cost: CostFile): void {
  metrics.beforeScrape(async () => {
    const [nodes, instances, quotas] = await Promise.all([record.nodes(), record.instances(), record.quotas()]);
    forget(metrics);
    for (const node of nodes) showNode(metrics, node, cost);
    for (const group of instances) showInstances(metrics, group);
    for (const quota of quotas) showQuota(metrics, quota);
    for (const { stage, count, oldestAgeS } of await record.stages()) {
      metrics.get('berth_queue_depth').set({ queue: stage }, count);
      metrics.get('berth_queue_oldest_seconds').set({ queue: stage }, oldestAgeS);
    }
  });
}

const ofRecord = [
  'berth_node_info',
  'berth_node_engine_speed_ratio',
  'berth_node_vcpu_hour_cost',
  'berth_node_state',
  'berth_node_cordoned',
  'berth_node_last_seen_age_seconds',
  'berth_node_capacity',
  'berth_node_allocatable',
  'berth_node_allocated',
  'berth_node_used',
  'berth_node_instances',
  'berth_node_power_watts',
  'berth_node_energy_joules_total',
  'berth_node_cost_total',
  'berth_instances',
  'berth_quota_used',
  'berth_quota_limit',
] as const;

function forget(metrics: Metrics<'scheduler'>): void {
  for (const name of ofRecord) metrics.get(name).reset();
}

function showNode(metrics: Metrics<'scheduler'>, row: NodeGauge, cost: CostFile): void {
  const { currency } = cost;
  const { node, zone, rack, driver, powerModel } = row;
  metrics.get('berth_node_info').set({ node, zone, rack, driver, power_model: powerModel }, 1);
  showSpeed(metrics, row, cost);
  const state = metrics.get('berth_node_state');
  for (const one of statesOf(nodeTransitions)) state.set({ node, state: one }, one === row.state ? 1 : 0);
  metrics.get('berth_node_cordoned').set({ node }, row.cordoned ? 1 : 0);
  metrics.get('berth_node_last_seen_age_seconds').set({ node }, row.lastSeenAgeS);
  for (const kind of ['capacity', 'allocatable', 'allocated', 'used'] as const) {
    for (const [resource, value] of Object.entries(inBaseUnits(row[kind]))) {
      metrics.get(`berth_node_${kind}`).set({ node, resource }, value);
    }
  }
  metrics.get('berth_node_instances').set({ node }, row.instances);
  metrics.get('berth_node_power_watts').set({ node, source }, row.powerWatts);
  metrics.get('berth_node_energy_joules_total').inc({ node, source }, row.energyJoules);
  metrics.get('berth_node_cost_total').inc({ node, currency }, row.costMicros / microsPerUnit);
}

function showSpeed(metrics: Metrics<'scheduler'>, row: NodeGauge, cost: CostFile): void {
  const { node, driver, speedRatio, powerWatts, allocatable } = row;
  if (speedRatio !== null) metrics.get('berth_node_engine_speed_ratio').set({ node, driver }, speedRatio);
  const { perVcpu, perNativeVcpu } = vcpuHourCost(cost, { powerWatts, cpuMillis: allocatable.cpuMillis, speedRatio });
  const price = metrics.get('berth_node_vcpu_hour_cost');
  price.set({ node, currency: cost.currency, per: 'allocatable' }, perVcpu);
  if (perNativeVcpu !== null) price.set({ node, currency: cost.currency, per: 'native' }, perNativeVcpu);
}

function inBaseUnits(amounts: { cpuMillis: number; memoryMib: number; diskGib?: number }): Record<string, number> {
  return {
    cpu_cores: amounts.cpuMillis / 1000,
    memory_bytes: amounts.memoryMib * bytesPerMib,
    ...(amounts.diskGib !== undefined && { disk_bytes: amounts.diskGib * bytesPerGib }),
  };
}

function showInstances(metrics: Metrics<'scheduler'>, { project, instanceType, state, count }: InstanceGauge): void {
  metrics.get('berth_instances').set({ project, instance_type: instanceType, state }, count);
}

function showQuota(metrics: Metrics<'scheduler'>, { project, ...quota }: QuotaGauge): void {
  const [used, limit] = [metrics.get('berth_quota_used'), metrics.get('berth_quota_limit')];
  used.set({ project, resource: 'instances' }, quota.usedInstances);
  used.set({ project, resource: 'vcpus' }, quota.usedVcpus);
  used.set({ project, resource: 'memory_bytes' }, quota.usedMemoryMib * bytesPerMib);
  limit.set({ project, resource: 'instances' }, quota.maxInstances);
  limit.set({ project, resource: 'vcpus' }, quota.maxVcpus);
  limit.set({ project, resource: 'memory_bytes' }, quota.maxMemoryMib * bytesPerMib);
}
