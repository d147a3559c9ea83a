import type { Database } from '@berth/database/database.js';
import { CloneRepository } from '@berth/database/clone.repository.js';
import { DeadlineRepository } from '@berth/database/deadline.repository.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import { DrainRepository } from '@berth/database/drain.repository.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { InventoryRepository } from '@berth/database/inventory.repository.js';
import { LifetimeRepository } from '@berth/database/lifetime.repository.js';
import { MigrationReportRepository } from '@berth/database/migration-report.repository.js';
import { MigrationRepository } from '@berth/database/migration.repository.js';
import { NodeLeaseRepository } from '@berth/database/node-lease.repository.js';
import { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import { NoteRepository } from '@berth/database/note.repository.js';
import { PauseRepository } from '@berth/database/pause.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import { ReadyRepository } from '@berth/database/ready.repository.js';
import { ReconcileRepository } from '@berth/database/reconcile.repository.js';
import { ResizingRepository } from '@berth/database/resizing.repository.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { JobProducer } from '@berth/queue/job-producer.js';
import type { ObservationBacklog } from '@berth/queue/observation-backlog.js';
import { LifetimeBook } from '@berth/scheduling/lifetime/lifetime-book.js';
import type { ObservationReader } from '@berth/queue/observation-reader.js';
import { CloneLoop } from './clone/clone.loop.js';
import { decideClone } from './clone/decide-clone.js';
import { DispatchLoop } from './dispatch/dispatch.loop.js';
import { DrainLoop } from './drain/drain.loop.js';
import { decideDeadline } from './expire/decide-deadline.js';
import { ExpireLoop } from './expire/expire.loop.js';
import type { CostModel } from './fleet/cost-model.js';
import { Loop, type LoopOptions } from './loop.js';
import { LearnLoop } from './learn/learn.loop.js';
import { decideExit } from './observe/decide-exit.js';
import { MigrationReports } from './migrate/migration-reports.js';
import { MigrationLoop } from './migrate/migration.loop.js';
import { NodeReports } from './observe/node-reports.js';
import { ObservationConsumer } from './observe/observation.consumer.js';
import { GrowthReports } from './resize/growth-reports.js';
import { ResizeLoop } from './resize/resize.loop.js';
import { SnapshotReports } from './snapshot/snapshot-reports.js';
import { PlacementLoop } from './placement/placement.loop.js';
import { InstanceReconciler } from './reconcile/instance.reconciler.js';

export interface LoopParts {
  readonly database: Database;
  readonly producer: JobProducer;
  readonly reader: ObservationReader;
  readonly backlog: () => Promise<ObservationBacklog | null>;
  readonly cost: CostModel;
  readonly metrics: Metrics<'scheduler'>;
  readonly logger: Logger;
}

/** All loops and what wakes them. */
export function openLoops(parts: LoopParts): readonly Loop[] {
  const { database, producer, reader, backlog, metrics, logger } = parts;
  const loop = (options: LoopOptions): Loop => new Loop(options, metrics, logger);
  const [fleet, losses] = [new FleetRepository(database), new NodeLossRepository(database)];
  const [placements, exits] = [new PlacementRepository(database), new ExitRepository(database, decideExit)];
  const [ready, resizes] = [new ReadyRepository(database), new ResizingRepository(database)];
  const dispatching = new DispatchLoop(new DispatchRepository(database), exits, producer, metrics);
  const dispatch = loop({ name: 'dispatch', intervalMs: 1_000, paceMs: 25, round: () => dispatching.round() });

  const lifetimes = new LifetimeBook();
  const learning = new LearnLoop(new LifetimeRepository(database), lifetimes);
  const learn = loop({ name: 'learn', intervalMs: 10_000, paceMs: 1_000, round: () => learning.round() });

  const placing = new PlacementLoop(placements, fleet, lifetimes, metrics, () => dispatch.wake());
  const place = loop({ name: 'place', intervalMs: 1_000, paceMs: 25, round: () => placing.round() });

  const untold = (error: unknown): void => logger.warn({ error }, 'nobody was told of new capacity');
  const onCapacity = (): void => void placements.wake().then(() => place.wake(), untold);
  const snapshots = new SnapshotReports(new SnapshotRepository(database), producer, metrics);
  const nodes = new NodeReports({
    leases: new NodeLeaseRepository(database),
    losses,
    inventories: new InventoryRepository(database),
    askForRegistration: (workerIds) => reader.askForRegistration(workerIds),
    ready,
    exits,
    producer,
    snapshots,
    cost: parts.cost,
    onCapacity,
    metrics,
    logger,
  });
  const observing = new ObservationConsumer({
    reader,
    nodes,
    ready,
    exits,
    notes: new NoteRepository(database),
    pauses: new PauseRepository(database),
    migrations: new MigrationReports(new MigrationReportRepository(database), metrics),
    snapshots,
    growths: new GrowthReports(resizes, metrics),
    metrics,
    logger,
  });
  const observe = loop({ name: 'observe', intervalMs: 1_000, paceMs: 20, round: () => observing.round() });

  const moving = new MigrationLoop(new MigrationRepository(database), fleet, producer, metrics);
  const migrate = loop({ name: 'migrate', intervalMs: 1_000, paceMs: 20, round: () => moving.round() });
  const resizing = new ResizeLoop(resizes, fleet, metrics);
  const resize = loop({ name: 'resize', intervalMs: 1_000, paceMs: 50, round: () => resizing.round() });
  const reconciler = new InstanceReconciler(new ReconcileRepository(database), metrics);
  const reconcile = loop({ name: 'reconcile', intervalMs: 5_000, paceMs: 50, round: () => reconciler.round() });

  const deadlines = new DeadlineRepository(database, decideDeadline);
  const expiring = new ExpireLoop({ losses, exits, deadlines, backlog, lossAtMs: () => reader.groupMadeAtMs, metrics });
  const expire = loop({ name: 'expire', intervalMs: 1_000, paceMs: 500, round: () => expiring.round() });

  const draining = new DrainLoop(new DrainRepository(database), fleet, metrics);
  const drain = loop({ name: 'drain', intervalMs: 2_000, paceMs: 200, round: () => draining.round() });

  const cloning = new CloneLoop(new CloneRepository(database, decideClone), metrics);
  const clone = loop({ name: 'clone', intervalMs: 1_000, paceMs: 50, round: () => cloning.round() });

  listen(database, { place, reconcile, dispatch, migrate, resize, drain, clone }, onCapacity);
  return [learn, place, dispatch, observe, migrate, resize, reconcile, expire, drain, clone];
}

type Woken = 'place' | 'reconcile' | 'dispatch' | 'migrate' | 'resize' | 'drain' | 'clone';

function listen(database: Database, loops: Readonly<Record<Woken, Loop>>, onCapacity: () => void): void {
  for (const channel of ['place', 'reconcile', 'dispatch', 'migrate', 'resize'] as const) {
    database.listen(channel, () => loops[channel].wake());
  }
  database.listen('place', () => loops.clone.wake());
  database.listen('node', () => {
    onCapacity();
    loops.drain.wake();
  });
}
