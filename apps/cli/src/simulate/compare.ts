import type { SimulationCell } from '@berth/contracts/simulation.js';
import { checkPolicy } from '@berth/scenarios/check-policy.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { wholeNumber } from '../actions/whole-number.js';
import { terminal } from '../output/terminal.js';
import { openRunner } from './cell-runner.js';
import { cellOf, seedOf, type ScenarioFlags } from './options.js';
import { progressBar } from './progress.js';

export interface CompareFlags extends ScenarioFlags {
  readonly policies: string;
  readonly seeds: string;
  readonly workers: string;
  readonly queue?: string;
  readonly json?: boolean;
}

const seedsMax = 10_000;

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

/** Each policy with each seed, by whomever: the answer is the same bytes with any number of workers. */
export async function compare(flags: CompareFlags): Promise<void> {
  const cells = cellsOf(flags);
  for (const cell of cells) checkPolicy(cell);
  const shares = cells.map(() => 0);
  const draw = progressBar(`${cells.length} runs`, cells.length);
  const onProgress = (index: number, share: number): void => {
    shares[index] = share;
    draw(shares.reduce((sum, done) => sum + done, 0));
  };
  const runner = openRunner(flags);
  try {
    const summaries = await runner.run(cells, onProgress);
    draw(cells.length);
    if (flags.json === true) return terminal.print(JSON.stringify(summaries, undefined, 2));
    return printTable(summaries, seedCountOf(flags) > 1);
  } finally {
    await runner.close();
  }
}

function seedCountOf({ seeds }: CompareFlags): number {
  return wholeNumber('--seeds', seeds, { min: 1, max: seedsMax, example: 5 });
}

/** Seed by seed, so that neighbours share a trace; a synthetic one without a seed of its own changes with it. */
function cellsOf(flags: CompareFlags): SimulationCell[] {
  const [first, seeds] = [seedOf(flags), seedCountOf(flags)];
  const policies = flags.policies.split(',').map((name) => name.trim());
  return Array.from({ length: seeds }, (_, index) => first + index).flatMap((seed) =>
    policies.map((policy) => cellOf({ ...flags, seed: String(seed), trace: seededTrace(flags.trace, seed) }, policy)),
  );
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
