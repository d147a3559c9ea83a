import { capexPerNodeHour, readCostFile, type CostFile } from '@berth/config/cost-file.js';
import type { Rates } from '@berth/database/node-lease.repository.js';
import { PowerCurve } from '@berth/simulation/power/curve.js';

const joulesPerKwh = 3_600_000;
const microsPerUnit = 1_000_000;
const secondsPerHour = 3_600;

/**
 * Of published SPECpower_ssj2008 results. PowerEdge R740: two Xeon Platinum 8180, 13 September 2017, idle and full
 * load. ProLiant ML110 G4 and G5: the eleven points CloudSim uses. linear: a plain server, for where nothing is known.
 */
const knownModels: Readonly<Record<string, readonly number[]>> = {
  'dell-poweredge-r740': [52.3, 457],
  'hp-proliant-ml110-g4': [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117],
  'hp-proliant-ml110-g5': [93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135],
  linear: [100, 250],
};

/** Turns use into watts, and watts into money. */
export class CostModel {
  private readonly curves = new Map<string, PowerCurve>();

  constructor(readonly file: CostFile) {
    for (const [name, watts] of Object.entries({ ...knownModels, ...file.powerModels }))
      this.curves.set(name, new PowerCurve(watts));
  }

  /** Of a model nobody knows: the plain server's. */
  curveOf(powerModel: string): PowerCurve {
    return this.curves.get(powerModel) ?? this.curves.get('linear')!;
  }
}

/** @throws when the file cannot be read or says something else than a cost file may */
export async function readCostModel(path: string | undefined): Promise<CostModel> {
  return new CostModel(await readCostFile(path));
}

/** Money in millionths of a unit, as the record keeps it. */
export function ratesOf({ file }: CostModel): Rates {
  const { tariffPerKwh, pue } = file;
  return {
    microsPerJoule: (tariffPerKwh * pue * microsPerUnit) / joulesPerKwh,
    microsPerNodeSecond: (capexPerNodeHour(file) * microsPerUnit) / secondsPerHour,
  };
}
