import type { VmmExit } from '@berth/database/exit-facts.js';
import type { ExitRepository } from '@berth/database/exit.repository.js';
import type { NoteRepository } from '@berth/database/note.repository.js';
import type { PauseRepository } from '@berth/database/pause.repository.js';
import type { ReadyRepository } from '@berth/database/ready.repository.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { ObservationReader, ReadObservation } from '@berth/queue/observation-reader.js';
import type { Round } from '../loop.js';
import { noteEnded, noteReady } from '../metrics/operations.js';
import type { MigrationReports } from '../migrate/migration-reports.js';
import type { GrowthReports } from '../resize/growth-reports.js';
import type { SnapshotReports } from '../snapshot/snapshot-reports.js';
import { byKind, type ObservationOf } from './by-kind.js';
import type { NodeReports } from './node-reports.js';
import { timelineOf } from './timeline.js';

/** A start that has been heard of is not handed out again before this. */
const quietMs = 30_000;

export interface ConsumerParts {
  readonly reader: ObservationReader;
  readonly nodes: NodeReports;
  readonly ready: ReadyRepository;
  readonly exits: ExitRepository;
  readonly notes: NoteRepository;
  readonly pauses: PauseRepository;
  readonly migrations: MigrationReports;
  readonly snapshots: SnapshotReports;
  readonly growths: GrowthReports;
  readonly metrics: Metrics<'scheduler'>;
  readonly logger: Logger;
}

/**
 * Applies what nodes report, a batch at a time. Acknowledged only when the record has it: a crash in between applies it
 * twice, to no effect.
 */
export class ObservationConsumer {
  constructor(private readonly parts: ConsumerParts) {}

  async round(): Promise<Round> {
    const entries = await this.parts.reader.read();
    if (entries.length > 0) {
      const waits = this.parts.metrics.get('berth_queue_wait_seconds');
      for (const { ageMs } of entries) waits.observe({ queue: 'observations' }, ageMs / 1000);
      await this.apply(entries);
      await this.parts.reader.acknowledge(entries);
    }
    return { seen: entries.length, acted: entries.length, nextInMs: 0 };
  }

  /**
   * By kind, from what must be known first (a node) to what ends a vmm: its earlier reports in the batch then count
   * before.
   */
  private async apply(entries: readonly ReadObservation[]): Promise<void> {
    const { nodes, ready, exits, notes, metrics } = this.parts;
    const kinds = byKind(entries);
    await nodes.left(kinds['nodes-left']); // before: a worker that was restarted has come back
    await nodes.registered(kinds['nodes-registered']);
    const begun = kinds['vmm-starting'];
    if (begun.length + kinds['vmm-ready'].length > 0) {
      const applied = await ready.apply(begun, kinds['vmm-ready'], quietMs, timelineOf);
      noteEnded(metrics, applied.ready);
      noteReady(metrics, applied.ready);
      this.count('vmm-starting', begun, applied.moved);
      this.count('vmm-ready', kinds['vmm-ready'], applied.moved);
    }
    await notes.fetching(kinds['image-fetching']);
    noteEnded(metrics, await this.parts.pauses.apply(kinds['vmm-paused'], kinds['vmm-resumed']));
    noteEnded(metrics, await this.parts.pauses.notSuspended(kinds['suspend-failed'].map(notSuspended)));
    await this.parts.migrations.apply(kinds);
    await this.parts.snapshots.apply(kinds);
    await this.parts.growths.apply(kinds);
    await notes.stopping(kinds['vmm-stopping']);
    await notes.adopted(kinds['vmm-adopted']);
    await notes.orphansKilled(kinds['orphan-killed']);
    const ended = [...kinds['vmm-gone'].map(exitOf), ...kinds['job-refused'].map(refusalOf)];
    const { gone, ended: operations, failovers } = await exits.apply(ended);
    for (const { from, to, reason } of failovers) metrics.get('berth_engine_failover_total').inc({ from, to, reason });
    noteEnded(metrics, operations);
    this.count('vmm-gone', ended, gone);
    // beats last: an inventory taken after a report then meets a record that has heard it
    await nodes.beat(entries);
  }

  private count(kind: string, reports: readonly { vmmId: string }[], moved: ReadonlySet<string>): void {
    const applied = reports.filter(({ vmmId }) => moved.has(vmmId)).length;
    this.parts.metrics.get('berth_observations_total').inc({ kind, outcome: 'applied' }, applied);
    this.parts.metrics.get('berth_observations_total').inc({ kind, outcome: 'stale' }, reports.length - applied);
  }
}

function exitOf({ vmmId, instanceId, generation, exit }: ObservationOf<'vmm-gone'>): VmmExit {
  return { vmmId, instanceId, generation, reason: exit.reason, detail: exit.detail, method: 'node-reported' };
}

/** Told only when no process of it is left, so it is an end like any other, with the problem to show. */
function refusalOf({ vmmId, instanceId, generation, problem }: ObservationOf<'job-refused'>): VmmExit {
  const { code, detail, next } = problem;
  return {
    vmmId,
    instanceId,
    generation,
    reason: 'start-failed',
    detail: detail.slice(0, 500),
    method: 'node-reported',
    problem: { code, detail, ...(next !== undefined && { next }) },
  };
}

function notSuspended(report: ObservationOf<'suspend-failed'>) {
  const next = 'the instance runs on; make room on its node, or stop the instance';
  return { ...report, problem: { code: 'suspend-failed' as const, detail: report.detail, next } };
}
