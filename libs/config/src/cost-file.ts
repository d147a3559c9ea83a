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

/** What an hour of a node costs at its present power: energy x PUE x tariff, and the share of the purchase price. */
export function nodeHourCost(file: CostFile, powerWatts: number): number {
  return (powerWatts / 1000) * file.pue * file.tariffPerKwh + capexPerNodeHour(file);
}

export interface VcpuHourCost {
  /** As sold: an hour of the node / its allocatable vcpus. */
  readonly perVcpu: number;
  /** For the work of a whole core. An emulated vcpu does a fraction of it; null: that was not measured. */
  readonly perNativeVcpu: number | null;
}

/** @param node `speedRatio`: work of one of its vcpus / work of one of its cores */
export function vcpuHourCost(
  file: CostFile,
  node: { readonly powerWatts: number; readonly cpuMillis: number; readonly speedRatio: number | null },
): VcpuHourCost {
  const vcpus = node.cpuMillis / 1000;
  const perVcpu = vcpus === 0 ? 0 : nodeHourCost(file, node.powerWatts) / vcpus;
  return { perVcpu, perNativeVcpu: node.speedRatio === null ? null : perVcpu / node.speedRatio };
}
