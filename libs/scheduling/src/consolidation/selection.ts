import type { DemandHistory } from './demand-history.js';
import type { ConsolidationView } from './plan.js';
import { explainedByOthers } from './regression.js';

/** Which of the instances an overloaded node gives away next. `candidates` is not empty. */
export type Selector = (view: ConsolidationView, history: DemandHistory, candidates: readonly number[]) => number;

/** MMT: the shortest migration. */
export const minimumMigrationTime: Selector = ({ instances }, _history, candidates) =>
  leastOf(candidates, (instance) => instances.requests[instance]!.memoryMib);

/** MU: the lowest utilization of its own size. */
export const minimumUtilization: Selector = ({ instances }, _history, candidates) =>
  leastOf(candidates, (i) => instances.demandCpuMillis[i]! / instances.requests[i]!.cpuMillis);

/** MC: the instance whose history the others explain best. */
export const maximumCorrelation: Selector = (view, history, candidates) => {
  const fits = explainedByOthers(candidates.map((instance) => history.of(instance)));
  if (fits === undefined) return minimumMigrationTime(view, history, candidates);
  return leastOf(candidates, (_, i) => (Number.isNaN(fits[i]) ? 0 : -fits[i]!));
};

/** RS: any, by the given stream of numbers in 0..1. */
export function randomSelection(next: () => number): Selector {
  return (_view, _history, candidates) => candidates[Math.floor(next() * candidates.length)]!;
}

function leastOf(candidates: readonly number[], metric: (instance: number, index: number) => number): number {
  let least = candidates[0]!;
  let leastMetric = Infinity;
  candidates.forEach((instance, i) => {
    const value = metric(instance, i);
    if (value >= leastMetric) return;
    leastMetric = value;
    least = instance;
  });
  return least;
}
