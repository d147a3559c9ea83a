import { CliError } from '../output/failure.js';
import { durationMs } from './duration.js';
import { wholeNumber } from './whole-number.js';

export interface MigrateFlags {
  /** Where to. */
  readonly to?: string;
  /** Calls it off. */
  readonly cancel?: true;
  readonly bandwidth?: string;
  readonly downtime?: string;
  readonly autoConverge?: true;
  readonly convergeWithin?: string;
  readonly postcopy?: string;
  readonly stay?: true;
}

/** @throws CliError */
export function migrateBody(flags: MigrateFlags): object {
  const { to, bandwidth, downtime, autoConverge, convergeWithin } = flags;
  const bandwidthMibPerSecond = wholeNumber('--bandwidth', bandwidth, { unit: 'MiB/s', example: 100 });
  const downtimeLimitMs = wholeNumber('--downtime', downtime, { unit: 'milliseconds', example: 50 });
  const withinMs = durationMs(convergeWithin, '--converge-within');
  const otherwise = otherwiseOf(flags);
  return {
    ...(to !== undefined && { node: to }),
    ...(bandwidthMibPerSecond !== undefined && { bandwidthMibPerSecond }),
    ...(downtimeLimitMs !== undefined && { downtimeLimitMs }),
    ...(autoConverge && { autoConverge }),
    ...(withinMs !== undefined && { convergeSeconds: Math.ceil(withinMs / 1000) }),
    ...(otherwise !== undefined && { otherwise }),
  };
}

/** What becomes of a guest that writes faster than is sent. */
function otherwiseOf({ postcopy, stay }: MigrateFlags): string | undefined {
  if (postcopy !== undefined && postcopy !== 'never' && postcopy !== 'when-needed')
    throw new CliError(`--postcopy takes never or when-needed, not "${postcopy}"`);
  if (stay && postcopy === 'when-needed') throw new CliError('--stay and --postcopy when-needed: give one of them');
  if (stay) return 'stay';
  return postcopy && (postcopy === 'never' ? 'stop' : 'postcopy');
}
