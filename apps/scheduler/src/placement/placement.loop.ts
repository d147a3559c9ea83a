import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { PlacementRepository } from '@berth/database/placement.repository.js';
import type { LifetimeBook } from '@berth/scheduling/lifetime/lifetime-book.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { decidePlacements, lifetimeTraits, type Pending } from './decide-placements.js';
import { groupsOf } from './groups-of.js';

const batchMax = 256;
/** A refused proposal met another writer; the fleet is read anew. */
const afterRefusalMs = 50;

/** Gives instances that wait a node: reads the fleet, decides by the core, commits what still holds. */
export class PlacementLoop {
  constructor(
    private readonly placements: PlacementRepository,
    private readonly fleet: FleetRepository,
    private readonly lifetimes: LifetimeBook,
    private readonly metrics: Metrics<'scheduler'>,
    private readonly onPlaced: () => void,
  ) {}

  async round(): Promise<Round> {
    const startedMs = performance.now();
    const [pending, nodes] = await Promise.all([
      this.placements.pending<Pending['constraints']>(batchMax),
      this.fleet.nodes(),
    ]);
    if (pending.length === 0) return { seen: 0, acted: 0 };
    const groups = groupsOf(pending);
    const members = groups.length === 0 ? [] : await this.fleet.groupMembers(groups);
    const { proposed, postponed, failed, rejected } = decidePlacements(nodes, members, pending, this.lifetimes);
    const { committed, refused } = await this.placements.commit(proposed);
    if (committed.length > 0) this.onPlaced();
    const asked = new Map(pending.map((instance) => [instance.id, lifetimeTraits(instance)]));
    for (const { instanceId: id, node } of committed) this.lifetimes.placed({ id, node, ...asked.get(id)! });
    await this.placements.postpone(postponed);
    noteEnded(this.metrics, await this.placements.fail(failed));
    this.note(performance.now() - startedMs, {
      placed: committed.length,
      refused: refused.length,
      unplaceable: postponed.length + failed.length,
    });
    for (const { queuedMs } of committed)
      this.metrics.get('berth_queue_wait_seconds').observe({ queue: 'place' }, queuedMs / 1000);
    for (const [filter, count] of Object.entries(rejected))
      this.metrics.get('berth_scheduler_rejected_total').inc({ filter }, count);
    const round = { seen: pending.length, acted: committed.length + failed.length };
    if (pending.length === batchMax) return { ...round, nextInMs: 0 };
    return refused.length > 0 ? { ...round, nextInMs: afterRefusalMs } : round;
  }

  private note(durationMs: number, outcomes: Readonly<Record<string, number>>): void {
    this.metrics.get('berth_scheduler_attempt_duration_seconds').observe(durationMs / 1000);
    for (const [outcome, count] of Object.entries(outcomes)) {
      this.metrics.get('berth_scheduler_decisions_total').inc({ outcome }, count);
    }
  }
}
