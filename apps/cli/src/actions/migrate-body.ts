import { CliError } from '../output/failure.js';
import { durationMs } from './wait.js';

export interface MigrateFlags {
  /** Where to. */
  readonly to?: string;
  /** Calls it off. */
  readonly cancel?: true;
  readonly bandwidth?: string;
  readonly downtime?: string;
  readonly autoConverge?: true;
  readonly convergeWithin?: string;
  readonly stay?: true;
}

/** @throws CliError */
export function migrateBody({ to, bandwidth, downtime, autoConverge, convergeWithin, stay }: MigrateFlags): object {
  const withinMs = durationMs(convergeWithin, '--converge-within');
  return {
    ...(to !== undefined && { node: to }),
    ...(bandwidth !== undefined && { bandwidthMibPerSecond: wholeNumber(bandwidth, '--bandwidth', 'MiB/s') }),
    ...(downtime !== undefined && { downtimeLimitMs: wholeNumber(downtime, '--downtime', 'milliseconds') }),
    ...(autoConverge && { autoConverge }),
    ...(withinMs !== undefined && { convergeSeconds: Math.ceil(withinMs / 1000) }),
    ...(stay && { otherwise: 'stay' }),
  };
}

function wholeNumber(text: string, flag: string, unit: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CliError(`${flag} takes a whole number of ${unit}, not "${text}"`);
}
