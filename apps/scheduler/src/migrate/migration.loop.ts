import type { ImageContent } from '@berth/contracts/http/image.js';
import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { MigrationRepository } from '@berth/database/migration.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { JobProducer } from '@berth/queue/job-producer.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { groupsOf } from '../placement/groups-of.js';
import { decideMigrations, type Moving } from './decide-migrations.js';
import { looseEndJobOf, migrationJobOf } from './migration-job.js';

const batchMax = 64;
/** A job that made no progress by then is handed out again: it, its report or the whole of Redis may be lost. */
const againAfterMs = 10_000;
const looseEndIntervalMs = 2_000;

/** Live migrations, step by step: a target, a job for it, a job for the source. Both ends then tell how it ended. */
export class MigrationLoop {
  private looseEndsAtMs = 0;

  constructor(
    private readonly migrations: MigrationRepository,
    private readonly fleet: FleetRepository,
    private readonly producer: JobProducer,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async round(): Promise<Round> {
    const planned = await this.plan();
    const due = await this.migrations.claim<ImageContent>(batchMax, againAfterMs);
    const { errors } = await this.producer.dispatch([...due.map(migrationJobOf), ...(await this.looseEnds())]);
    if (errors[0] !== undefined) throw errors[0];
    const acted = planned + due.length;
    return { seen: acted, acted };
  }

  private async plan(): Promise<number> {
    const pending = await this.migrations.pending<Moving['constraints']>(batchMax);
    if (pending.length === 0) return 0;
    const groups = groupsOf(pending);
    const [nodes, members] = await Promise.all([
      this.fleet.nodes(),
      groups.length === 0 ? [] : this.fleet.groupMembers(groups),
    ]);
    const { planned, refused } = decideMigrations(nodes, members, pending);
    noteEnded(this.metrics, await this.migrations.refuse(refused));
    return this.migrations.plan(planned);
  }

  private async looseEnds() {
    if (performance.now() - this.looseEndsAtMs < looseEndIntervalMs) return [];
    this.looseEndsAtMs = performance.now();
    return (await this.migrations.looseEnds(batchMax)).map(looseEndJobOf);
  }
}
