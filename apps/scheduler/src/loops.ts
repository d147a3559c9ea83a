import type { Database } from '@berth/database/database.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { InventoryRepository } from '@berth/database/inventory.repository.js';
import { NodeLeaseRepository } from '@berth/database/node-lease.repository.js';
import { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import { NoteRepository } from '@berth/database/note.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ReadyRepository } from '@berth/database/ready.repository.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { JobProducer } from '@berth/queue/job-producer.js';
import type { ObservationReader } from '@berth/queue/observation-reader.js';
import { DispatchLoop } from './dispatch/dispatch.loop.js';
import type { CostModel } from './fleet/cost-model.js';
import { Loop, type LoopOptions } from './loop.js';
import { decideExit } from './observe/decide-exit.js';
import { NodeReports } from './observe/node-reports.js';
import { ObservationConsumer } from './observe/observation.consumer.js';
import { PlacementLoop } from './placement/placement.loop.js';

export interface LoopParts {
  readonly database: Database;
  readonly producer: JobProducer;
  readonly reader: ObservationReader;
  readonly cost: CostModel;
  readonly metrics: Metrics<'scheduler'>;
  readonly logger: Logger;
}

/** All loops and what wakes them. */
export function openLoops(parts: LoopParts): readonly Loop[] {
  const { database, producer, reader, metrics, logger } = parts;
  const loop = (options: LoopOptions): Loop => new Loop(options, metrics, logger);
  const placements = new PlacementRepository(database);
  const exits = new ExitRepository(database, decideExit);
  const ready = new ReadyRepository(database);

  const dispatching = new DispatchLoop(new DispatchRepository(database), exits, producer, metrics);
  const dispatch = loop({ name: 'dispatch', intervalMs: 1_000, paceMs: 25, round: () => dispatching.round() });

  const placing = new PlacementLoop(placements, new FleetRepository(database), metrics, () => dispatch.wake());
  const place = loop({ name: 'place', intervalMs: 1_000, paceMs: 25, round: () => placing.round() });

  const onCapacity = (): void => {
    placements
      .wake()
      .then(() => place.wake())
      .catch((error: unknown) => logger.warn({ error }, 'nobody was told of new capacity'));
  };
  const nodes = new NodeReports({
    leases: new NodeLeaseRepository(database),
    losses: new NodeLossRepository(database),
    inventories: new InventoryRepository(database),
    askForRegistration: (workerIds) => reader.askForRegistration(workerIds),
    ...{ ready, exits, producer, cost: parts.cost, onCapacity, metrics, logger },
  });
  const observing = new ObservationConsumer({
    reader,
    nodes,
    ready,
    exits,
    notes: new NoteRepository(database),
    metrics,
    logger,
  });
  const observe = loop({ name: 'observe', intervalMs: 1_000, paceMs: 20, round: () => observing.round() });

  database.listen('place', () => place.wake());
  database.listen('dispatch', () => dispatch.wake());
  database.listen('node', onCapacity);
  return [place, dispatch, observe];
}
