import type { Fleet } from '../fleet/fleet.js';
import { ACCOUNT_EVERY_S, type ReplayResult } from '../replay/options.js';
import type { Workload } from '../demand/workload.js';
import type { EnergyShares } from '../packing/energy-meter.js';
import { apportion, microCents, type MicroCents } from './money.js';

const HOURS_PER_YEAR = 8_760;
const JOULES_PER_KWH = 3.6e6;

export interface CostModel {
  readonly currency: string;
  readonly tariffPerKwh: number;
  /** Facility energy / IT energy. */
  readonly pue: number;
  /** Over which a node's price and embodied carbon are written off, while it is on. */
  readonly nodeLifeYears: number;
  readonly operationsPerNodeHour: number;
  /** Grid carbon, gCO2 per kWh, from the start of the run on; one value: constant. */
  readonly carbon: CarbonSeries;
}

export interface CarbonSeries {
  readonly everyS: number;
  readonly gramsPerKwh: readonly number[];
}

/** `docs/simulation.md` gives the sources of the defaults. */
export const DEFAULT_COST: CostModel = {
  currency: 'EUR',
  tariffPerKwh: 0.2,
  pue: 1.54,
  nodeLifeYears: 4,
  operationsPerNodeHour: 0.01,
  carbon: { everyS: 3600, gramsPerKwh: [250] },
};

/** The project that idle capacity is charged to. */
export const UNALLOCATED = '(unallocated)';

export interface Bill {
  readonly energy: MicroCents;
  readonly capital: MicroCents;
  readonly operations: MicroCents;
  readonly total: MicroCents;
  readonly carbonGrams: number;
  /** Sums to `total` exactly. */
  readonly byProject: ReadonlyMap<string, MicroCents>;
}

interface Charges {
  readonly energy: MicroCents;
  readonly capital: MicroCents;
  readonly operations: MicroCents;
  readonly total: MicroCents;
  readonly embodiedGrams: number;
}

/** What energy and node time cost. */
function chargesOf(energyKwh: number, nodeHours: number, fleet: Fleet, model: CostModel): Charges {
  const lifeHours = model.nodeLifeYears * HOURS_PER_YEAR;
  const energy = microCents(energyKwh * model.pue * model.tariffPerKwh);
  const capital = microCents(nodeHours * (mean(fleet, ({ priceEur }) => priceEur) / lifeHours));
  const operations = microCents(nodeHours * model.operationsPerNodeHour);
  return {
    energy,
    capital,
    operations,
    total: energy + capital + operations,
    embodiedGrams: (nodeHours * mean(fleet, (kind) => kind.embodiedKgCo2) * 1000) / lifeHours,
  };
}

/**
 * What the run cost and emitted, and who for: energy by the energy attributed to each instance, capital and operations
 * by reserved memory and time. Energy of nobody is the project `(unallocated)`.
 */
export function billOf(result: ReplayResult, workload: Workload, fleet: Fleet, model: CostModel): Bill {
  const energyWeights = new Map<string, number>([[UNALLOCATED, result.unallocatedJoules]]);
  const timeWeights = new Map<string, number>([[UNALLOCATED, 0]]);
  workload.instances.forEach(({ project, memoryMib }, i) => {
    energyWeights.set(project, (energyWeights.get(project) ?? 0) + result.instanceJoules[i]!);
    timeWeights.set(project, (timeWeights.get(project) ?? 0) + result.instanceSeconds[i]! * memoryMib);
  });
  const { charges, byProject } = divide(result, fleet, model, energyWeights, timeWeights);
  return { ...charges, carbonGrams: carbonOf(result.joulesByInterval, model) + charges.embodiedGrams, byProject };
}

/** The same for a packing replay, whose project of each number is named. Carbon is at the mean of the grid's series. */
export function packingBillOf(
  result: EnergyShares & { readonly nodeHours: number },
  projects: readonly string[],
  fleet: Fleet,
  model: CostModel,
): Bill {
  const energyWeights = new Map([[UNALLOCATED, result.unallocatedJoules]]);
  const timeWeights = new Map([[UNALLOCATED, 0]]);
  projects.forEach((project, i) => {
    energyWeights.set(project, result.projectJoules[i]!);
    timeWeights.set(project, result.projectMibSeconds[i]!);
  });
  const { charges, byProject } = divide(result, fleet, model, energyWeights, timeWeights);
  const carbonGrams = result.energyKwh * model.pue * meanGramsPerKwh(model) + charges.embodiedGrams;
  return { ...charges, carbonGrams, byProject };
}

/** What the run cost, and who for by their weights: those of energy, and those of all else. Both name the same. */
function divide(
  { energyKwh, nodeHours }: { readonly energyKwh: number; readonly nodeHours: number },
  fleet: Fleet,
  model: CostModel,
  energyWeights: ReadonlyMap<string, number>,
  timeWeights: Map<string, number>,
): { charges: Charges; byProject: ReadonlyMap<string, MicroCents> } {
  const charges = chargesOf(energyKwh, nodeHours, fleet, model);
  if ([...timeWeights.values()].every((weight) => weight === 0)) timeWeights.set(UNALLOCATED, 1);
  const energyParts = apportion(
    charges.energy,
    [...energyWeights.values()].map((weight) => Math.max(0, weight)),
  );
  const timeParts = apportion(charges.capital + charges.operations, [...timeWeights.values()]);
  const byProject = new Map([...energyWeights.keys()].map((project, i) => [project, energyParts[i]! + timeParts[i]!]));
  return { charges, byProject };
}

/** Energy of each accounting interval at the grid's carbon then; the last value of the series holds. */
function carbonOf(joulesByInterval: readonly number[], { carbon, pue }: CostModel): number {
  let grams = 0;
  let before = 0;
  joulesByInterval.forEach((joules, i) => {
    const at = Math.min(carbon.gramsPerKwh.length - 1, Math.floor((i * ACCOUNT_EVERY_S) / carbon.everyS));
    grams += ((joules - before) / JOULES_PER_KWH) * pue * carbon.gramsPerKwh[at]!;
    before = joules;
  });
  return grams;
}

/** For a run that does not record when its energy was used. */
function meanGramsPerKwh({ carbon }: CostModel): number {
  return carbon.gramsPerKwh.reduce((sum, grams) => sum + grams, 0) / carbon.gramsPerKwh.length;
}

function mean(fleet: Fleet, of: (kind: Fleet['nodes'][number]) => number): number {
  return fleet.nodes.reduce((sum, kind) => sum + of(kind), 0) / Math.max(1, fleet.nodes.length);
}
