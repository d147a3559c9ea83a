import type { MigrationLimits } from '@berth/contracts/vmm.js';
import type { MigrationOrder } from '@berth/engine/migration.js';
import type { WorkerConfig } from '../config.js';

/** What this node allows a move from it. */
export interface NodeLimits {
  readonly bandwidthBytesPerSecond: number;
  readonly downtimeLimitMs: number;
  /** Its guest may go on at the target before all of its memory is there. */
  readonly postcopy: boolean;
}

type OrderLimits = Pick<MigrationOrder, 'bandwidthBytesPerSecond' | 'downtimeLimitMs' | 'autoConverge' | 'converge'>;

export function nodeLimitsOf(config: WorkerConfig): NodeLimits {
  return {
    bandwidthBytesPerSecond: config.BERTH_MIGRATION_MIB_PER_SECOND * 2 ** 20,
    downtimeLimitMs: config.BERTH_MIGRATION_DOWNTIME_MS,
    postcopy: config.BERTH_MIGRATION_POSTCOPY,
  };
}

/** Pure. Where postcopy would be the way and may not be, a guest is slowed down first, to be stopped for less. */
export function moveLimits(asked: MigrationLimits, node: NodeLimits): OrderLimits {
  const { bandwidthMibPerSecond = Infinity, convergeSeconds = 60, otherwise = 'postcopy' } = asked;
  const mayNotFollow = otherwise === 'postcopy' && !node.postcopy;
  return {
    bandwidthBytesPerSecond: Math.min(node.bandwidthBytesPerSecond, bandwidthMibPerSecond * 2 ** 20),
    downtimeLimitMs: asked.downtimeLimitMs ?? node.downtimeLimitMs,
    autoConverge: asked.autoConverge ?? mayNotFollow,
    converge: { limitMs: convergeSeconds * 1000, otherwise: mayNotFollow ? 'stop' : otherwise },
  };
}
