import { Datacenter } from './datacenter.js';
import type { Rules } from './optimize.js';
import { interquartile, localRegression, medianDeviation, threshold } from './overload.js';
import { maximumCorrelation, minimumMigrationTime, minimumUtilization } from './selection.js';

/** Rows of the published table, by the name they have there; undefined rules never migrate. */
export const CLOUDSIM_POLICIES = {
  DVFS: undefined,
  'THR-MMT-0.8': { isOverloaded: threshold(0.8), select: minimumMigrationTime },
  'IQR-MMT-1.5': { isOverloaded: interquartile(1.5), select: minimumMigrationTime },
  'MAD-MMT-2.5': { isOverloaded: medianDeviation(2.5), select: minimumMigrationTime },
  'LR-MMT-1.2': { isOverloaded: localRegression(1.2), select: minimumMigrationTime },
  'LR-MC-1.2': { isOverloaded: localRegression(1.2), select: maximumCorrelation },
  'LR-MU-1.2': { isOverloaded: localRegression(1.2), select: minimumUtilization },
  'THR-MC-0.8': { isOverloaded: threshold(0.8), select: maximumCorrelation },
  'THR-MU-0.8': { isOverloaded: threshold(0.8), select: minimumUtilization },
} as const satisfies Record<string, Rules | undefined>;

export type CloudsimPolicy = keyof typeof CLOUDSIM_POLICIES;

export interface CloudsimResult {
  readonly policy: CloudsimPolicy;
  readonly energyKwh: number;
  readonly migrations: number;
  readonly slatahPercent: number;
  readonly pdmPercent: number;
  /** VMs the original's rules removed as finished. */
  readonly removedVms: number;
}

/**
 * One day by the rules of CloudSim 3.0.3, its faults included (`scheduling.md` lists them; each is named where it
 * stands). Only for checking its published table: no figure of ours comes from here.
 * @param percents per VM, in file order: 288 samples of CPU utilization in percent, one each 300 s.
 */
export function runCloudsim(policy: CloudsimPolicy, percents: readonly ArrayLike<number>[]): CloudsimResult {
  const datacenter = new Datacenter(percents, CLOUDSIM_POLICIES[policy]);
  datacenter.run();
  const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0);
  const { hosts, vms, joules, migrations, removedVms } = datacenter;
  const violated = sum(hosts, (host) => host.violatedSeconds) / sum(hosts, (host) => host.activeSeconds);
  const lost = sum(vms, (vm) => vm.lostToMigration) / sum(vms, (vm) => vm.requestedTotal);
  const energyKwh = joules / 3.6e6;
  return { policy, energyKwh, migrations, slatahPercent: violated * 100, pdmPercent: lost * 100, removedVms };
}
