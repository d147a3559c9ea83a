import type { Observation } from '@berth/contracts/observation.js';

/** What a vmm has come to is told once, so it is never given up; a beat is told again in seconds. */
function dropOrder(observation: Observation): number {
  switch (observation.kind) {
    case 'image-fetching':
      return 0;
    case 'nodes-beat':
      return observation.nodes.every(({ vmms }) => vmms === null) ? 0 : 1;
    case 'nodes-registered':
    case 'nodes-left':
    case 'vmm-starting':
    case 'suspend-failed':
    case 'disk-grown':
    case 'disk-not-grown':
    case 'vmm-paused': // their operation asks again
    case 'vmm-resumed':
    case 'vmm-stopping':
    case 'vmm-adopted':
    case 'orphan-killed':
    case 'migration-progress':
    case 'migration-switchover':
    case 'migration-measured':
      return 2;
    case 'vmm-ready':
    case 'vmm-gone':
    case 'job-refused':
    case 'migration-prepared':
    case 'migration-stayed':
    case 'migration-settled':
    case 'snapshot-taken':
    case 'snapshot-failed':
      return Infinity;
  }
}

/**
 * Reports that wait for Redis, oldest first. Above its limit it drops the oldest of the lightest; a vmm's end is never
 * dropped.
 */
export class ObservationBuffer {
  private waiting: Observation[] = [];
  droppedCount = 0;

  constructor(private readonly maxEntries: number) {}

  get depth(): number {
    return this.waiting.length;
  }

  push(observation: Observation): void {
    this.waiting.push(observation);
    if (this.waiting.length > this.maxEntries) this.dropOne();
  }

  holds(kind: Observation['kind']): boolean {
    return this.waiting.some((observation) => observation.kind === kind);
  }

  /** At most `count` of the oldest; they stay until `accepted`. */
  peek(count: number): readonly Observation[] {
    return this.waiting.slice(0, count);
  }

  /** Redis has these: what came in meanwhile, or was dropped meanwhile, does not matter. */
  accepted(observations: readonly Observation[]): void {
    const done = new Set(observations);
    this.waiting = this.waiting.filter((observation) => !done.has(observation));
  }

  private dropOne(): void {
    let lightest = Infinity;
    let at = -1;
    for (const [index, observation] of this.waiting.entries()) {
      const weight = dropOrder(observation);
      if (weight < lightest) [lightest, at] = [weight, index];
    }
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.droppedCount += 1;
  }
}
