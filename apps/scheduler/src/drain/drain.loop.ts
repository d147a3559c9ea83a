import type { DrainRepository } from '@berth/database/drain.repository.js';
import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { groupsOf } from '../placement/groups-of.js';
import { decideDrain, type Drain } from './decide-drain.js';

const nextStepMs = 500;

/** Empties nodes, a few instances at a time: each is stopped there and started elsewhere by an operation of its own. */
export class DrainLoop {
  constructor(
    private readonly drains: DrainRepository,
    private readonly fleet: FleetRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async round(): Promise<Round> {
    const open = await this.drains.open<Drain['remaining'][number]['constraints']>();
    if (open.length === 0) return { seen: 0, acted: 0 };
    const groups = groupsOf(open.flatMap(({ remaining }) => remaining));
    const [nodes, members] = await Promise.all([this.fleet.nodes(), this.fleet.groupMembers(groups)]);
    const fleet = recordedFleet(nodes, members);
    let acted = 0;
    for (const drain of open) {
      const step = decideDrain(drain, fleet);
      noteEnded(this.metrics, await this.drains.take(drain, step));
      acted += step.moves.length;
    }
    return { seen: open.length, acted, nextInMs: nextStepMs };
  }
}
