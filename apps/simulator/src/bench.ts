/**
 * `npm run bench -- [--short] [--json] [--data FOLDER] [--row NAME]`: how fast the scheduling core places, and how fast
 * a packing replay and a consolidation replay run, on this machine. Each row is measured in a process of its own, as a
 * scheduler runs one policy: what the compiler learnt of one workload would slow down the next. `--data` names the
 * folder of the data sets (default ../shared/data); without it the workload is synthetic. `--row` measures one row
 * alone, and prints it as JSON.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { policies } from '@berth/scheduling/policy.js';
import { SEED } from './bench-clocks.js';
import { demandRow } from './demand-bench.js';
import { azureOr, replayRow, synthetic } from './packing-bench.js';
import { placementRow } from './placement-bench.js';

type Rows = Readonly<Record<string, () => object>>;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string', default: '../shared/data' },
    row: { type: 'string' },
  },
});

function placementRows(sizes: readonly number[], count: number): Rows {
  const workloads = ['constrained', 'plain'] as const;
  const rows = workloads.flatMap((workload) =>
    sizes.map((nodes) => [`${workload}:${nodes}`, () => placementRow(workload, nodes, count)] as const),
  );
  return Object.fromEntries(rows);
}

function demandRows(tiles: readonly number[]): Rows {
  return Object.fromEntries(tiles.map((count) => [`demand:${count}`, () => demandRow(count)]));
}

const shortTables: Record<string, Rows> = {
  placement: placementRows([1_000, 10_000], 20_000),
  replay: {
    'replay:2000': () => replayRow({ ...synthetic(20_000), nodes: 2_000, tiles: 2, policy: policies.berth }),
  },
  demand: demandRows([1]),
};

const fullTables: Record<string, Rows> = {
  placement: placementRows([1_000, 10_000, 100_000, 1_000_000], 400_000),
  replay: {
    'replay:50000': () =>
      replayRow({ ...synthetic(100_000, 1), nodes: 50_000, tiles: 1, policy: policies['best-fit'] }),
    'replay:100000': () =>
      replayRow({ ...azureOr(260_000, values.data), nodes: 100_000, tiles: 155, policy: policies.berth }),
  },
  demand: demandRows([1, 4, 16]),
};

const tables = values.short ? shortTables : fullTables;

function measureAll(): string {
  const figures = Object.entries(tables).map(([table, rows]) => [table, Object.keys(rows).map(measureApart)] as const);
  const json = JSON.stringify({ seed: SEED, ...Object.fromEntries(figures) });
  return values.json ? json : [...figures.map(([, rows]) => tableOf(rows)), json].join('\n\n');
}

function measureApart(row: string): object {
  const args = [...process.execArgv, import.meta.filename, ...process.argv.slice(2), '--row', row];
  return JSON.parse(
    execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }).toString(),
  ) as object;
}

function measureOne(name: string): string {
  const rows = Object.assign({}, ...Object.values(tables)) as Rows;
  const measure = rows[name];
  if (measure === undefined) throw new Error(`no row ${name}: choose one of ${Object.keys(rows).join(', ')}`);
  return JSON.stringify(measure());
}

function tableOf(rows: readonly object[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const text = (value: unknown): string =>
    typeof value === 'number' ? Number(value.toPrecision(4)).toString() : String(value);
  const cells = [columns, ...rows.map((row) => Object.values(row).map(text))];
  const width = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  return cells.map((line) => line.map((cell, i) => cell.padStart(width[i]!)).join('  ')).join('\n');
}

process.stdout.write(`${values.row === undefined ? measureAll() : measureOne(values.row)}\n`);
