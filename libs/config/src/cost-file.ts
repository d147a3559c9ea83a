import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

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

/** @throws when the file cannot be read or says something else than a cost file may */
export async function readCostFile(path: string | undefined): Promise<CostFile> {
  const text = path === undefined ? '{}' : await readFile(path, 'utf8');
  return costFile.parse(parse(text) ?? {});
}

/** In units of the currency: the share of the purchase price that an hour takes. */
export function capexPerNodeHour({ capexPerNode, lifeYears }: CostFile): number {
  return capexPerNode / (lifeYears * hoursPerYear);
}
