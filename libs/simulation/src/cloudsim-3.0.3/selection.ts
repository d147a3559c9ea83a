import { explainedByOthers } from '@berth/scheduling/consolidation/regression.js';
import type { Host } from './host.js';
import type { Vm } from './vm.js';

/** Which VM an overloaded host gives away next; undefined when it has none. */
export type SelectionRule = (host: Host) => Vm | undefined;

export const minimumMigrationTime: SelectionRule = (host) => leastOf(host.vms, (vm) => vm.kind.ramMib);

export const minimumUtilization: SelectionRule = (host) =>
  leastOf(host.vms, (vm) => (vm.utilization * vm.kind.mips) / vm.kind.mips);

/** The VM whose history the others on the host explain best. */
export const maximumCorrelation: SelectionRule = (host) => {
  const fits = explainedByOthers(host.vms.map((vm) => vm.history.subarray(0, vm.remembered)));
  if (fits === undefined) return minimumMigrationTime(host);
  let best = 0;
  let bestFit = 0;
  fits.forEach((fit, i) => {
    if (!(fit > bestFit)) return;
    bestFit = fit;
    best = i;
  });
  return host.vms[best];
};

function leastOf(vms: readonly Vm[], metric: (vm: Vm) => number): Vm | undefined {
  let least: Vm | undefined;
  let leastMetric = Infinity;
  for (const vm of vms) {
    if (metric(vm) < leastMetric) {
      leastMetric = metric(vm);
      least = vm;
    }
  }
  return least;
}
