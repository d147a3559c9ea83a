import { randomUUID } from 'node:crypto';
import type { Observation } from '@berth/contracts/observation.js';
import { guardDeadlineMs } from '@berth/domain/node-state.js';
import type { Logger } from '@berth/observability/logger.js';

/**
 * The nodes' right to run guests: renewed each time Redis has taken a beat, for then the control plane can know that
 * they live. The guards act when it runs out, whatever this process does.
 */
export class Lease {
  private heardAtMs = performance.now();
  private current: string = randomUUID();

  constructor(
    private readonly renewals: readonly (() => Promise<void>)[],
    private readonly logger: Logger,
  ) {}

  get ageMs(): number {
    return performance.now() - this.heardAtMs;
  }

  /** Changes after every lapse: what was handed out before it may have been given up meanwhile. */
  get id(): string {
    return this.current;
  }

  /** Whether what was handed out under this lease is still ours to do. */
  holds(id: string): boolean {
    return id === this.current && this.ageMs < guardDeadlineMs;
  }

  accepted(observations: readonly Observation[]): void {
    if (!observations.some(({ kind }) => kind === 'nodes-beat')) return;
    if (this.ageMs >= guardDeadlineMs) this.current = randomUUID();
    this.heardAtMs = performance.now();
    for (const renew of this.renewals) {
      renew().catch((error: unknown) => this.logger.error({ error }, 'the lease cannot be renewed'));
    }
  }
}
