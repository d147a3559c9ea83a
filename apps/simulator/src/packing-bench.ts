import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { policies } from '@berth/scheduling/policy.js';
import type { Policy } from '@berth/scheduling/policy.js';
import { DEFAULT_COST, packingBillOf } from '@berth/simulation/cost/cost-model.js';
import { formatMoney } from '@berth/simulation/cost/money.js';
import { uniformFleet } from '@berth/simulation/fleet/fleet.js';
import { replayEndS } from '@berth/simulation/packing/arrivals.js';
import type { Arrivals } from '@berth/simulation/packing/arrivals.js';
import { parseAzure } from '@berth/simulation/packing/azure-trace.js';
import { PackingReplay } from '@berth/simulation/packing/replay.js';
import { syntheticArrivals } from '@berth/simulation/packing/synthetic-arrivals.js';
import { seededRandom } from '@berth/simulation/random.js';
import { clocks, peakRssMib, SEED } from './bench-clocks.js';

const DAY_S = 86_400;

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

export interface Replay {
  readonly name: string;
  readonly arrivals: Arrivals;
  readonly nodes: number;
  readonly tiles: number;
  readonly policy: Policy;
}

/**
 * Tiles are spread over two days, so that the peaks of one trace do not meet. Each is a project: energy, capital and
 * operations are charged to it, and the charges must sum to the cost of the fleet.
 */
export function replayRow({ name, arrivals, nodes, tiles, policy }: Replay): ReplayRow {
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
  const cost = formatMoney(total, DEFAULT_COST.currency);
  const { events, migrations, energyKwh } = result;
  const replay = tiles === 1 ? name : `${name} x ${tiles}`;
  return { replay, nodes, events, wallSeconds, cpuSeconds, peakRssMib: peakRssMib(), migrations, energyKwh, cost };
}

/** The Azure trace of the folder of data sets; so many made-up arrivals when it is not there. */
export function azureOr(count: number, dataFolder: string): Pick<Replay, 'name' | 'arrivals'> {
  try {
    const file = gunzipSync(readFileSync(`${dataFolder}/azure-v1/azure-v1-dev.csv.gz`));
    return { name: 'azure-v1', arrivals: parseAzure(file.toString().split('\n')) };
  } catch {
    return synthetic(count);
  }
}

export function synthetic(count: number, days?: number): Pick<Replay, 'name' | 'arrivals'> {
  return { name: 'synthetic', arrivals: syntheticArrivals(count, seededRandom(SEED), days) };
}
