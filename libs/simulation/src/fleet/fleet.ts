import { PowerCurve } from '../power/curve.js';

/** One make of node. */
export interface NodeKind {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  /** Allocatable / physical. */
  readonly cpuOvercommit: number;
  readonly memoryOvercommit: number;
  readonly power: PowerCurve;
  /** Drawn while off. */
  readonly standbyWatts: number;
  /** From off to taking instances, at peak power. */
  readonly startS: number;
  /** From on to off, at idle power. */
  readonly stopS: number;
  /** Purchase price, for the capital share of cost; embodied carbon, for the carbon account. */
  readonly priceEur: number;
  readonly embodiedKgCo2: number;
}

export interface Fleet {
  readonly name: string;
  /** One per node, in order. */
  readonly nodes: readonly NodeKind[];
}

/** Cheapest watts for one milli-CPU anywhere in the fleet: a full node of its most efficient kind. */
export function cheapestWattsPerCpuMilli({ nodes }: Fleet): number {
  let cheapest = Infinity;
  for (const { power, cpuMillis } of new Set(nodes)) {
    power.watts.forEach((watts, i) => {
      if (i > 0) cheapest = Math.min(cheapest, watts / ((i / (power.watts.length - 1)) * cpuMillis));
    });
  }
  return cheapest;
}

const ML110 = {
  memoryMib: 4096,
  diskGib: 1000,
  standbyWatts: 0,
  startS: 60,
  stopS: 0,
  priceEur: 1000,
  embodiedKgCo2: 1000,
};

/** CPU is shared by demand, not by nominal size: the bound on nominal size is out of the way. */
const UNBOUND = 64;

/**
 * The two nodes of the PlanetLab benchmark, alternating. One MIPS of it is one milli-CPU here.
 * @param enforceMemory whether memory bounds what a node holds; in the published benchmark it does not.
 */
export function ml110Fleet(count: number, enforceMemory: boolean): Fleet {
  const memoryOvercommit = enforceMemory ? 1 : UNBOUND;
  const common = { ...ML110, cpuOvercommit: UNBOUND, memoryOvercommit };
  const g4 = new PowerCurve([86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117]);
  const g5 = new PowerCurve([93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135]);
  const kinds = [
    { ...common, name: 'ml110-g4', cpuMillis: 3720, power: g4 },
    { ...common, name: 'ml110-g5', cpuMillis: 5320, power: g5 },
  ] as const;
  return { name: `ml110:${count}`, nodes: Array.from({ length: count }, (_, i) => kinds[i % 2 === 0 ? 0 : 1]) };
}

/** Nodes of one size; power of a two-socket server, idle and full, scaled by its cores. */
export function uniformFleet(vcpus: number, memoryGib: number, count: number): Fleet {
  const kind: NodeKind = {
    name: `${vcpus}c${memoryGib}g`,
    cpuMillis: vcpus * 1000,
    memoryMib: memoryGib * 1024,
    diskGib: 10_000,
    cpuOvercommit: 1,
    memoryOvercommit: 1,
    power: new PowerCurve([0.74 * vcpus + 60, 3.5 * vcpus + 60]),
    standbyWatts: 5,
    startS: 60,
    stopS: 10,
    priceEur: 150 * vcpus,
    embodiedKgCo2: 1200,
  };
  return { name: `uniform:${kind.name}:${count}`, nodes: Array.from({ length: count }, () => kind) };
}
