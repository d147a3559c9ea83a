import type { DeadlineRepository } from '@berth/database/deadline.repository.js';
import type { ExitRepository } from '@berth/database/exit.repository.js';
import type { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import { nodeUnreachableAfterMs } from '@berth/domain/node-state.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { ObservationBacklog } from '@berth/queue/observation-backlog.js';
import type { Round } from '../loop.js';
import { noteEnded } from '../metrics/operations.js';
import { decideFences } from './decide-fences.js';

const batchMax = 256;

export interface ExpireParts {
  readonly losses: NodeLossRepository;
  readonly exits: ExitRepository;
  readonly deadlines: DeadlineRepository;
  /** What lies between workers and record; null: nobody can tell. */
  readonly backlog: () => Promise<ObservationBacklog | null>;
  /** When beats may last have been lost unread, on the monotonic clock. */
  readonly lossAtMs: () => number | undefined;
  readonly metrics: Metrics<'scheduler'>;
}

/** What time alone brings: leases that run out, guards that must have acted, operations past their deadline. */
export class ExpireLoop {
  private readonly startedMs = performance.now();

  constructor(private readonly parts: ExpireParts) {}

  async round(): Promise<Round> {
    // beats of the time before this process began may still lie unread
    const hasHeard = performance.now() - this.startedMs >= nodeUnreachableAfterMs;
    const lost = hasHeard ? await this.parts.losses.expire(nodeUnreachableAfterMs) : [];
    const fenced = await this.fence();
    const overdue = await this.parts.deadlines.expire(batchMax);
    noteEnded(this.parts.metrics, overdue);
    const acted = lost.length + fenced + overdue.length;
    return { seen: acted, acted };
  }

  /**
   * First whether all was heard, then what the record says of it: the other way round, a beat could slip in between.
   */
  private async fence(): Promise<number> {
    const askedMs = performance.now();
    const backlog = await this.parts.backlog();
    if (backlog?.unread !== 0 || backlog.unacknowledged !== 0) return 0;
    const vmms = await this.parts.losses.stranded();
    const nowMs = performance.now();
    const lossMs = nowMs - Math.max(this.startedMs, this.parts.lossAtMs() ?? 0);
    const { gone, ended } = await this.parts.exits.apply(decideFences(vmms, { heardAllMs: nowMs - askedMs, lossMs }));
    noteEnded(this.parts.metrics, ended);
    return gone.size;
  }
}
