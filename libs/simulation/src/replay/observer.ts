import { powerStates } from './node-meters.js';
import type { Observation } from './options.js';
import type { World } from './world.js';

const JOULES_PER_KWH = 3.6e6;
/** A heat map of more nodes than this could not be read. */
const MOST_HEAT_NODES = 2_000;

/** Looks at the fleet without touching it, and keeps what it saw. */
export class Observer {
  readonly observations: Observation[] = [];
  peakNodes = 0;

  constructor(
    private readonly world: World,
    private readonly floorWattsPerCpuMilli: number,
  ) {}

  observe(timeS: number): void {
    const { world } = this;
    const { meters, fleet } = world;
    let watts = 0;
    let demandCpuMillis = 0;
    let capacity = 0;
    let overloadedNodes = 0;
    const hasHeat = fleet.nodes.length <= MOST_HEAT_NODES;
    const heat = hasHeat ? new Float32Array(fleet.nodes.length).fill(-1) : undefined;
    for (let node = 0; node < fleet.nodes.length; node++) {
      watts += meters.wattsAt(node, timeS);
      if (meters.powerState[node] === powerStates.off) continue;
      const load = meters.loadAt(node, timeS);
      const { cpuMillis } = fleet.nodes[node]!;
      demandCpuMillis += load;
      capacity += cpuMillis;
      if (load > cpuMillis) overloadedNodes++;
      if (heat !== undefined) heat[node] = load / cpuMillis;
    }
    this.peakNodes = Math.max(this.peakNodes, world.nodesOn);
    this.observations.push({
      timeS,
      nodesOn: world.nodesOn,
      watts,
      floorWatts: demandCpuMillis * this.floorWattsPerCpuMilli,
      demandCpuMillis,
      utilization: capacity > 0 ? demandCpuMillis / capacity : 0,
      overloadedNodes,
      migrations: world.migrations,
      energyKwh: meters.joulesAt(timeS) / JOULES_PER_KWH,
      ...(heat === undefined ? {} : { heat }),
    });
  }
}
