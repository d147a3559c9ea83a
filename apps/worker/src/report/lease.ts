import type { Observation } from '@berth/contracts/observation.js';
import type { Logger } from '@berth/observability/logger.js';

/**
 * The nodes' right to run guests: renewed each time Redis has taken a beat, for then the control plane can know that
 * they live. The guards act when it runs out, whatever this process does.
 */
export class Lease {
  private heardAtMs = performance.now();

  constructor(
    private readonly renewals: readonly (() => Promise<void>)[],
    private readonly logger: Logger,
  ) {}

  get ageMs(): number {
    return performance.now() - this.heardAtMs;
  }

  accepted(observations: readonly Observation[]): void {
    if (!observations.some(({ kind }) => kind === 'nodes-beat')) return;
    this.heardAtMs = performance.now();
    for (const renew of this.renewals) {
      renew().catch((error: unknown) => this.logger.error({ error }, 'the lease cannot be renewed'));
    }
  }
}
