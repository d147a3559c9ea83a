import type { ReconcileRepository } from '@berth/database/reconcile.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { Round } from '../loop.js';
import { decideGap } from './decide-gap.js';

const batchMax = 256;
const soonestMs = 20;
/** Shown from the start: none is a figure too. */
const gapKinds = [
  'start-instance',
  'stop-instance',
  'pause-instance',
  'suspend-instance',
  'resume-instance',
  'move-instance',
  'delete-instance',
] as const;

/** Desired against observed, for ever: opens the operation that closes the gap. */
export class InstanceReconciler {
  constructor(
    private readonly record: ReconcileRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {
    for (const kind of gapKinds) metrics.get('berth_reconcile_drift_total').inc({ kind }, 0);
  }

  async round(): Promise<Round> {
    const gaps = await this.record.gaps(batchMax);
    const asked = gaps.flatMap((gap) => decideGap(gap) ?? []);
    const opened = await this.record.open(asked);
    for (const { kind } of asked) this.metrics.get('berth_reconcile_drift_total').inc({ kind });
    const round = { seen: gaps.length, acted: opened };
    if (gaps.length === batchMax && opened > 0) return { ...round, nextInMs: 0 };
    const nextInMs = await this.record.nextRestartInMs();
    return nextInMs === null ? round : { ...round, nextInMs: Math.max(soonestMs, nextInMs) };
  }
}
