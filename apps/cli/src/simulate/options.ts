import { SIMULATION_POLICIES, type SimulationPolicyName } from '@berth/simulation/policies.js';
import { PLANETLAB_MIGRATION } from '@berth/simulation/power/migration.js';
import type { Scenario } from '@berth/simulation/scenario.js';
import { CliError } from '../output/failure.js';
import { loadCost, loadFleet, loadWorkload } from './inputs.js';

/** Options every kind of run shares, as commander hands them over. */
export interface ScenarioFlags {
  readonly trace: string;
  readonly fleet: string;
  readonly cost?: string;
  readonly seed: string;
  readonly sampleEvery: string;
  readonly decideEvery?: string;
  readonly failures: string;
}

export interface RunFlags extends ScenarioFlags {
  readonly policy: string;
  readonly report?: string;
  readonly decisions?: boolean;
  readonly json?: boolean;
  readonly timing: boolean;
  readonly migrationsPer1000: string;
}

export function policyNamed(name: string): SimulationPolicyName {
  if (Object.hasOwn(SIMULATION_POLICIES, name)) return name as SimulationPolicyName;
  throw new CliError(`no policy ${name}`, { next: 'berth simulate policies' });
}

/** Everything but the policy. Whatever is wrong with the input is told before anything runs. */
export async function loadScenario(flags: ScenarioFlags): Promise<Omit<Scenario, 'policy'>> {
  const [fleet, cost] = [await loadFleet(flags.fleet), await loadCost(flags.cost)];
  const decide = flags.decideEvery === undefined ? {} : { decideEveryS: positive('--decide-every', flags.decideEvery) };
  return {
    workload: await loadWorkload(flags.trace),
    fleet,
    cost,
    seed: wholeNumber('--seed', flags.seed),
    migration: PLANETLAB_MIGRATION,
    observeEveryS: positive('--sample-every', flags.sampleEvery),
    failuresPerNodeYear: notNegative('--failures', flags.failures),
    ...decide,
  };
}

export function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 0)
    throw new CliError(`${option} ${text}: expected a whole number`);
  return value;
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
