import type { SimulationCell } from '@berth/contracts/simulation.js';
import { wholeNumber } from '../actions/whole-number.js';
import { CliError } from '../output/failure.js';

/** Options every kind of run shares, as commander hands them over. */
export interface ScenarioFlags {
  readonly trace: string;
  readonly fleet: string;
  readonly cost?: string;
  readonly seed: string;
  readonly sampleEvery: string;
  readonly decideEvery?: string;
  readonly failures: string;
  readonly migrationsPer1000: string;
}

export interface RunFlags extends ScenarioFlags {
  readonly policy: string;
  readonly report?: string;
  readonly decisions?: boolean;
  readonly json?: boolean;
  readonly timing: boolean;
}

/** What the options ask for, with one policy. */
export function cellOf(flags: ScenarioFlags, policy: string): SimulationCell {
  return {
    trace: flags.trace,
    fleet: flags.fleet,
    cost: flags.cost ?? null,
    policy,
    seed: seedOf(flags),
    sampleEveryS: positive('--sample-every', flags.sampleEvery),
    decideEveryS: flags.decideEvery === undefined ? null : positive('--decide-every', flags.decideEvery),
    failuresPerNodeYear: notNegative('--failures', flags.failures),
    migrationsPer1000: wholeNumber('--migrations-per-1000', flags.migrationsPer1000, { example: 5 }),
  };
}

export function seedOf({ seed }: Pick<ScenarioFlags, 'seed'>): number {
  return wholeNumber('--seed', seed, { example: 1 });
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new CliError(`${option} ${text}: expected a number above 0`);
  return value;
}

function notNegative(option: string, text: string): number {
  const value = Number(text);
  if (!(value >= 0 && Number.isFinite(value)) || text === '')
    throw new CliError(`${option} ${text}: expected 0 or more`);
  return value;
}

/** `03:00`, `27:30` or `1d03:00` from the start of the trace. */
export function timeOfDay(text: string): number {
  const [, days = '0', hours, minutes] = /^(?:(\d+)d)?(\d{1,3}):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined) throw new CliError(`--at ${text}: expected hours and minutes, such as 03:00`);
  return Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60;
}
