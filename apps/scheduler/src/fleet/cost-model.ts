import { readFile } from 'node:fs/promises';
import type { Rates } from '@berth/database/node-lease.repository.js';
import { PowerCurve } from '@berth/simulation/power/curve.js';
import { parse } from 'yaml';
import { z } from 'zod';

const joulesPerKwh = 3_600_000;
const microsPerUnit = 1_000_000;
const secondsPerHour = 3_600;
const hoursPerYear = 8_760;

/** What a kilowatt-hour and a server cost here. Every figure may be set in BERTH_COST_FILE. */
const costFile = z.strictObject({
  currency: z.string().length(3).default('EUR'),
  tariffPerKwh: z.number().nonnegative().default(0.25),
  /** Power usage effectiveness: facility / IT energy. The industry's mean is 1.54 (Uptime 2025). */
  pue: z.number().min(1).default(1.54),
  /** Purchase price of a server, spread evenly over its life. */
  capexPerNode: z.number().nonnegative().default(8_000),
  lifeYears: z.number().positive().default(5),
  /** Watts at evenly spaced utilizations from idle to full, by power model. */
  powerModels: z.record(z.string(), z.array(z.number().nonnegative()).min(2)).default({}),
});
export type CostFile = z.infer<typeof costFile>;

/**
 * dell-poweredge-r740: two Xeon Platinum 8180, the eleven points of its SPECpower_ssj2008 result.
 * linear: a plain server, for where nothing is known.
 */
const knownModels: Readonly<Record<string, readonly number[]>> = {
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
  const text = path === undefined ? '{}' : await readFile(path, 'utf8');
  return new CostModel(costFile.parse(parse(text) ?? {}));
}

/** Money in millionths of a unit, as the record keeps it. */
export function ratesOf({ file }: CostModel): Rates {
  const { tariffPerKwh, pue, capexPerNode, lifeYears } = file;
  return {
    microsPerJoule: (tariffPerKwh * pue * microsPerUnit) / joulesPerKwh,
    microsPerNodeSecond: (capexPerNode * microsPerUnit) / (lifeYears * hoursPerYear * secondsPerHour),
  };
}
