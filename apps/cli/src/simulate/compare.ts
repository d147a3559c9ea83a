import { runScenario } from '@berth/simulation/scenario.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { terminal } from '../output/terminal.js';
import { loadScenario, policyNamed, wholeNumber, type ScenarioFlags } from './options.js';
import { progressBar } from './progress.js';

export interface CompareFlags extends ScenarioFlags {
  readonly policies: string;
  readonly seeds: string;
  readonly json?: boolean;
}

const COLUMNS = [
  ['policy', (s: Summary) => s.policy],
  ['kWh', (s: Summary) => fixed(s.energyKwh, 2)],
  ['x floor', (s: Summary) => fixed(s.energyOverFloor, 4)],
  ['SLATAH %', (s: Summary) => fixed(s.slatahPercent, 2)],
  ['PDM %', (s: Summary) => fixed(s.pdmPercent, 4)],
  ['unserved %', (s: Summary) => fixed(s.unservedPercent, 3)],
  ['moves/day', (s: Summary) => fixed(s.migrationsPerInstanceDay, 2)],
  ['node-hours', (s: Summary) => fixed(s.nodeHours, 1)],
  ['peak', (s: Summary) => String(s.peakNodes)],
  ['cost', (s: Summary) => s.cost?.total ?? ''],
  ['lost', (s: Summary) => String(s.instancesLost)],
] as const;

/** Each policy with each seed; a synthetic trace without a seed of its own changes with it. */
export async function compare(flags: CompareFlags): Promise<void> {
  const policies = flags.policies.split(',').map(policyNamed);
  const seeds = wholeNumber('--seeds', flags.seeds);
  const first = wholeNumber('--seed', flags.seed);
  const summaries: Summary[] = [];
  for (let seed = first; seed < first + Math.max(1, seeds); seed++) {
    const scenario = await loadScenario({ ...flags, trace: seededTrace(flags.trace, seed), seed: String(seed) });
    for (const policy of policies) {
      const onProgress = progressBar(`${policy} ${seed}`, scenario.workload.durationS);
      summaries.push(runScenario({ ...scenario, policy, onProgress }).summary);
      onProgress(scenario.workload.durationS);
    }
  }
  if (flags.json === true) return terminal.print(JSON.stringify(summaries, undefined, 2));
  return printTable(summaries, seeds > 1);
}

function seededTrace(trace: string, seed: number): string {
  return trace.startsWith('synthetic:') && !trace.includes('seed=') ? `${trace}?seed=${seed}` : trace;
}

function printTable(summaries: readonly Summary[], showsSeed: boolean): void {
  const headers = [...COLUMNS.map(([name]) => name as string), ...(showsSeed ? ['seed'] : [])];
  const rows = summaries.map((s) => [...COLUMNS.map(([, of]) => of(s)), ...(showsSeed ? [String(s.seed)] : [])]);
  const widths = headers.map((header, i) => Math.max(header.length, ...rows.map((row) => row[i]!.length)));
  const format = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  for (const row of [headers, ...rows]) terminal.print(format(row));
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}
