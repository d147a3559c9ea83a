import { CliError } from '../output/failure.js';

/** @throws CliError */
export function durationMs(text: string | undefined, flag = '--timeout'): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw new CliError(`${flag} takes a time such as 90s or 2m, not "${text}"`);
  return Number(amount) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h'];
}
