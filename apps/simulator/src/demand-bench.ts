import { DEFAULT_COST } from '@berth/simulation/cost/cost-model.js';
import type { Workload } from '@berth/simulation/demand/workload.js';
import { ml110Fleet } from '@berth/simulation/fleet/fleet.js';
import { SIMULATION_POLICIES } from '@berth/simulation/policies.js';
import { PLANETLAB_MIGRATION } from '@berth/simulation/power/migration.js';
import { runScenario } from '@berth/simulation/scenario.js';
import { synthetic } from '@berth/simulation/traces/synthetic.js';
import { clocks, peakRssMib } from './bench-clocks.js';

const NODES_PER_TILE = 800;

interface DemandRow {
  readonly demand: string;
  readonly instances: number;
  readonly nodes: number;
  /** Readings of one instance's demand by the policy. */
  readonly readings: number;
  readonly events: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMib: number;
}

/** A day of changing demand under the policy `berth`, with energy, cost and attribution; 800 nodes a tile. */
export function demandRow(tiles: number): DemandRow {
  const workload = tiled(tiles);
  const policy = 'berth';
  const [wallNs, cpuMicros] = [clocks.wallNs(), clocks.cpuMicros()];
  const { summary } = runScenario({
    workload,
    fleet: ml110Fleet(NODES_PER_TILE * tiles, false),
    cost: DEFAULT_COST,
    policy,
    seed: 1,
    migration: PLANETLAB_MIGRATION,
    observeEveryS: 300,
    failuresPerNodeYear: 0,
  });
  return {
    demand: `${workload.name}, ${policy}`,
    instances: workload.instances.length,
    nodes: NODES_PER_TILE * tiles,
    readings: workload.instances.length * (workload.durationS / SIMULATION_POLICIES[policy].decideEveryS),
    events: summary.events,
    wallSeconds: Number(clocks.wallNs() - wallNs) / 1e9,
    cpuSeconds: (clocks.cpuMicros() - cpuMicros) / 1e6,
    peakRssMib: peakRssMib(),
  };
}

/** So many days of different seeds side by side. */
function tiled(tiles: number): Workload {
  const days = Array.from({ length: tiles }, (_, i) => synthetic('planetlab', i + 1));
  const instances = days.flatMap((day, tile) => day.instances.map((each) => ({ ...each, id: `${tile}-${each.id}` })));
  return { ...days[0]!, name: `synthetic:planetlab x ${tiles}`, instances };
}
