/**
 * `npm run bench -- [--short] [--json] [--data FOLDER]`: how fast the scheduling core places, and how fast a packing
 * replay and a consolidation replay run, on this machine. `--data` names the folder of the data sets (default
 * ../shared/data); without it the workload is synthetic.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { policies } from '@berth/scheduling/policy.js';
import type { Policy } from '@berth/scheduling/policy.js';
import { PlacementBench } from '@berth/simulation/bench/placement-bench.js';
import { timePlacements } from '@berth/simulation/bench/placement-timing.js';
import type { PlacementTiming } from '@berth/simulation/bench/placement-timing.js';
import {
  constrainedRequests,
  mixedFleet,
  plainFleet,
  plainRequests,
} from '@berth/simulation/bench/placement-workload.js';
import { DEFAULT_COST, packingBillOf } from '@berth/simulation/cost/cost-model.js';
import { formatMoney } from '@berth/simulation/cost/money.js';
import { uniformFleet } from '@berth/simulation/fleet/fleet.js';
import { replayEndS } from '@berth/simulation/packing/arrivals.js';
import type { Arrivals } from '@berth/simulation/packing/arrivals.js';
import { parseAzure } from '@berth/simulation/packing/azure-trace.js';
import { PackingReplay } from '@berth/simulation/packing/replay.js';
import { syntheticArrivals } from '@berth/simulation/packing/synthetic-arrivals.js';
import { seededRandom } from '@berth/simulation/random.js';
import { demandRows } from './demand-bench.js';

const SEED = 1;
const DAY_S = 86_400;
const clocks = {
  wallNs: () => process.hrtime.bigint(),
  cpuMicros: () => process.cpuUsage().user + process.cpuUsage().system,
};

interface PlacementRow extends PlacementTiming {
  readonly workload: string;
  readonly nodes: number;
}

function placementRow(workload: 'constrained' | 'plain', nodes: number, count: number): PlacementRow {
  const random = seededRandom(SEED);
  const constrained = workload === 'constrained';
  const fleet = constrained ? mixedFleet(nodes, random) : plainFleet(nodes);
  const requests = (constrained ? constrainedRequests : plainRequests)(200_000, random);
  const policy: Policy = constrained ? policies.berth : policies['best-fit'];
  return { workload, nodes, ...timePlacements(new PlacementBench(fleet, requests, policy, random), count, clocks) };
}

interface ReplayRow {
  readonly replay: string;
  readonly nodes: number;
  readonly events: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMib: number;
  readonly migrations: number;
  readonly energyKwh: number;
  readonly cost: string;
}

/**
 * Tiles are spread over two days, so that the peaks of one trace do not meet. Each is a project: energy, capital and
 * operations are charged to it, and the charges must sum to the cost of the fleet.
 */
function replayRow(replay: string, arrivals: Arrivals, nodes: number, tiles: number, policy: Policy): ReplayRow {
  const learn = policy === policies.berth;
  const offsetsS = Array.from({ length: tiles }, (_, tile) => 300 * Math.floor((tile * 2 * DAY_S) / 300 / tiles));
  const [wallNs, cpuMicros] = [clocks.wallNs(), clocks.cpuMicros()];
  const fleet = uniformFleet(64, 256, nodes);
  const { power, ...node } = fleet.nodes[0]!;
  const result = new PackingReplay(arrivals, {
    node,
    nodes,
    policy,
    learn,
    offsetsS,
    endS: replayEndS(arrivals) + offsetsS.at(-1)!,
    relearnIntervalS: 3600,
    migrationsPer1000: learn ? 30 : 0,
    power,
  }).run();
  const projects = offsetsS.map((_, tile) => `tile-${tile}`);
  const { total, byProject } = packingBillOf(result, projects, fleet, DEFAULT_COST);
  const charged = [...byProject.values()].reduce((sum, part) => sum + part, 0n);
  if (charged !== total) throw new Error(`projects are charged ${charged} micro-cents, the fleet costs ${total}`);
  const wallSeconds = Number(clocks.wallNs() - wallNs) / 1e9;
  const cpuSeconds = (clocks.cpuMicros() - cpuMicros) / 1e6;
  const peakRssMib = process.resourceUsage().maxRSS / 1024;
  const cost = formatMoney(total, DEFAULT_COST.currency);
  const { events, migrations, energyKwh } = result;
  return { replay, nodes, events, wallSeconds, cpuSeconds, peakRssMib, migrations, energyKwh, cost };
}

function azureOrSynthetic(count: number): { name: string; arrivals: Arrivals } {
  const file = `${values.data}/azure-v1/azure-v1-dev.csv.gz`;
  try {
    return { name: 'azure-v1', arrivals: parseAzure(gunzipSync(readFileSync(file)).toString().split('\n')) };
  } catch {
    return { name: 'synthetic', arrivals: syntheticArrivals(count, seededRandom(SEED)) };
  }
}

function table(rows: readonly object[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const text = (value: unknown): string =>
    typeof value === 'number' ? Number(value.toPrecision(4)).toString() : String(value);
  const cells = [columns, ...rows.map((row) => Object.values(row).map(text))];
  const width = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  return cells.map((line) => line.map((cell, i) => cell.padStart(width[i]!)).join('  ')).join('\n');
}

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string', default: '../shared/data' },
  },
});
const sizes = values.short ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
const count = values.short ? 20_000 : 400_000;
const placement = (['constrained', 'plain'] as const).flatMap((workload) =>
  sizes.map((nodes) => placementRow(workload, nodes, count)),
);
const { name, arrivals } = values.short
  ? { name: 'synthetic', arrivals: syntheticArrivals(20_000, seededRandom(SEED)) }
  : azureOrSynthetic(260_000);
const hundredThousand = syntheticArrivals(100_000, seededRandom(SEED), 1);
const replay = values.short
  ? [replayRow(name, arrivals, 2_000, 2, policies.berth)]
  : [
      replayRow('synthetic', hundredThousand, 50_000, 1, policies['best-fit']),
      replayRow(`${name} x 155`, arrivals, 100_000, 155, policies.berth),
    ];
const demand = demandRows(values.short);
const figures = JSON.stringify({ seed: SEED, placement, replay, demand });
process.stdout.write(
  values.json ? `${figures}\n` : `${table(placement)}\n\n${table(replay)}\n\n${table(demand)}\n\n${figures}\n`,
);
