import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { ResizingRepository } from '@berth/database/resizing.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { groupsOf } from '../placement/groups-of.js';
import { decideResizes, type Resizing } from './decide-resizes.js';

const batchMax = 64;

/** Holds a place for running instances that are to be of another size; jobs and exits do the rest. */
export class ResizeLoop {
  constructor(
    private readonly resizes: ResizingRepository,
    private readonly fleet: FleetRepository,
    private readonly metrics: Metrics<'scheduler'>,
  ) {}

  async round(): Promise<Round> {
    const pending = await this.resizes.pending<Resizing['constraints']>(batchMax);
    if (pending.length === 0) return { seen: 0, acted: 0 };
    const groups = groupsOf(pending);
    const [nodes, members] = await Promise.all([
      this.fleet.nodes(),
      groups.length === 0 ? [] : this.fleet.groupMembers(groups),
    ]);
    const { planned, refused } = decideResizes(nodes, members, pending);
    noteEnded(this.metrics, await this.resizes.refuse(refused));
    const held = await this.resizes.hold(planned);
    return { seen: pending.length, acted: held + refused.length };
  }
}
