import type { MigrationReportRepository } from '@berth/database/migration-report.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { noteEnded } from '../metrics/operations.js';
import type { Kinds } from '../observe/by-kind.js';

/** What both ends of live migrations report; that a vmm is ready or gone comes as of any other. */
export class MigrationReports {
  constructor(
    private readonly migrations: MigrationReportRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async apply(kinds: Kinds): Promise<void> {
    const { migrations, metrics } = this;
    await migrations.prepared(kinds['migration-prepared']);
    await migrations.progressed(kinds['migration-progress']);
    await migrations.switched(kinds['migration-switchover'].map(({ vmmId }) => vmmId));
    const measured = kinds['migration-measured'];
    const fresh = await migrations.measured(measured);
    for (const { vmmId, method, downtimeMs, durationMs, sentBytes, encrypted } of measured) {
      if (!fresh.has(vmmId)) continue;
      metrics.get('berth_migration_downtime_seconds').observe({ method }, downtimeMs / 1000);
      metrics.get('berth_migration_duration_seconds').observe({ method }, durationMs / 1000);
      metrics.get('berth_migration_sent_bytes_total').inc({ method, encrypted: `${encrypted}` }, sentBytes);
    }
    noteEnded(metrics, await migrations.stayed(kinds['migration-stayed']));
    await migrations.settled(kinds['migration-settled'].map(({ vmmId }) => vmmId));
  }
}
