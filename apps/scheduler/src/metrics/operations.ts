import type { EndedOperation } from '@berth/database/operation-end.js';
import type { ReadyOutcome } from '@berth/database/ready.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';

/** Counts operations that this process ended. */
export function noteEnded(metrics: Metrics<'scheduler'>, ended: readonly EndedOperation[]): void {
  for (const { kind, state: outcome, durationMs } of ended) {
    metrics.get('berth_operations_total').inc({ kind, outcome });
    metrics.get('berth_operation_duration_seconds').observe({ kind, outcome }, durationMs / 1000);
  }
}

/** Where the time of successful starts went, phase by phase. */
export function noteReady(metrics: Metrics<'scheduler'>, ready: readonly ReadyOutcome[]): void {
  const phases = metrics.get('berth_instance_provision_duration_seconds');
  for (const { driver, timeline } of ready) {
    let sinceMs = 0;
    for (const { phase, offsetMs } of timeline) {
      phases.observe({ phase, driver }, (offsetMs - sinceMs) / 1000);
      sinceMs = offsetMs;
    }
    phases.observe({ phase: 'total', driver }, sinceMs / 1000);
  }
}
