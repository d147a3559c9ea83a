import type { Observation } from '@berth/contracts/observation.js';
import type { JobEnd } from '@berth/queue/job-consumer.js';
import type { ObservationWriter } from '@berth/queue/observation-writer.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { NodeCertificate } from '../migrations/node-certificate.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import type { Vmm, VmmEnd } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { showInstances } from './instance.metrics.js';
import type { UsageMeter } from './vmm-usage.js';

export type WorkerMetrics = Metrics<'worker'>;

export function countJob(metrics: WorkerMetrics, { name: kind, outcome, waitMs, durationMs }: JobEnd): void {
  metrics.get('berth_job_wait_seconds').observe({ kind }, waitMs / 1_000);
  metrics.get('berth_job_duration_seconds').observe({ kind, outcome }, durationMs / 1_000);
}

export function countAccepted(metrics: WorkerMetrics, observations: readonly Observation[]): void {
  for (const { kind } of observations) metrics.get('berth_observations_sent_total').inc({ kind });
}

export function countEnd(metrics: WorkerMetrics, vmm: Vmm, { reason }: VmmEnd): void {
  metrics.get('berth_worker_vmms_ended_total').inc({ driver: vmm.driver.name, reason });
}

/** What is read rather than counted: refreshed before every scrape. */
export function showWriter(metrics: WorkerMetrics, writer: ObservationWriter, leaseAgeMs: () => number): void {
  const dropped = metrics.get('berth_observations_dropped_total');
  metrics.beforeScrape(() => {
    metrics.get('berth_observations_unsent').set(writer.depth);
    metrics.get('berth_worker_lease_age_seconds').set(leaseAgeMs() / 1_000);
    dropped.reset();
    dropped.inc(writer.droppedCount);
  });
}

export function showVmms(metrics: WorkerMetrics, table: VmmTable, usage: UsageMeter): void {
  metrics.beforeScrape(async () => {
    const vmms = metrics.get('berth_worker_vmms');
    vmms.reset();
    for (const { liveState, driver } of table.all()) {
      if (liveState) vmms.inc({ driver: driver.name, state: liveState });
    }
    await showInstances(metrics, table, usage);
  });
}

export function showEngines(metrics: WorkerMetrics, nodes: ReadonlyMap<string, WorkerNode>): void {
  metrics.beforeScrape(() => {
    const probes = metrics.get('berth_engine_probe_seconds');
    probes.reset();
    for (const { name: node, engines } of nodes.values()) {
      for (const { engine, verdict, seconds } of engines.probe?.engines ?? []) {
        probes.set({ node, engine, verdict }, seconds ?? 0);
      }
    }
  });
}

/** `certificate`: of the worker, which all its nodes show. */
export function showCertificate(
  metrics: WorkerMetrics,
  node: string,
  certificate: Pick<NodeCertificate, 'shown'>,
): void {
  metrics.beforeScrape(() => {
    const expires = metrics.get('berth_node_certificate_expires_timestamp_seconds');
    expires.reset();
    if (certificate.shown) expires.set({ node }, Date.parse(certificate.shown.expiresAt) / 1_000);
  });
}
