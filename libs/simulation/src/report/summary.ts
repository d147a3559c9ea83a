import { formatMoney, MICRO_CENTS_PER_UNIT } from '../cost/money.js';
import { UNALLOCATED, type Bill, type CostModel } from '../cost/cost-model.js';
import type { Rejection } from '../demand/workload.js';
import type { ReplayResult } from '../replay/options.js';

/** What a run was, measured on the machine it ran on. */
export interface RunFacts {
  readonly trace: string;
  readonly fleet: string;
  readonly policy: string;
  readonly seed: number;
  readonly rules: readonly string[];
  readonly rejections: readonly Rejection[];
  /** Null when the run is to be reproducible byte for byte. */
  readonly wallSeconds: number | null;
  readonly peakRssMib: number | null;
}

export interface CostSummary {
  readonly currency: string;
  readonly total: string;
  /** Micro-cents, as texts: they may pass what a JSON number holds. */
  readonly totalMicroCents: string;
  readonly energyMicroCents: string;
  readonly capitalMicroCents: string;
  readonly operationsMicroCents: string;
  /** Sums to the total; the idle capacity nobody reserved is a line of its own. */
  readonly byProjectMicroCents: Readonly<Record<string, string>>;
}

/** `summary.json`; documented field by field in `docs/simulation.md`. */
export interface Summary {
  readonly format: 1;
  readonly trace: string;
  readonly fleet: string;
  readonly policy: string;
  readonly seed: number;
  readonly energyKwh: number | null;
  readonly floorKwh: number | null;
  readonly energyOverFloor: number | null;
  readonly migrations: number;
  readonly migrationsPerInstanceDay: number;
  readonly slatahPercent: number | null;
  readonly slatahWithMigrationPercent: number | null;
  readonly pdmPercent: number | null;
  readonly unservedPercent: number | null;
  readonly instancesPlaced: number;
  readonly instancesLost: number;
  readonly instancesRejected: number;
  readonly rejections: readonly Rejection[];
  readonly restarts: number;
  readonly waitSeconds: number;
  readonly instancesWaiting: number;
  readonly nodeHours: number;
  readonly nodeHoursLowerBound: number;
  readonly peakNodes: number;
  readonly nodeStarts: number;
  readonly cost: CostSummary | null;
  readonly carbonGrams: number | null;
  readonly events: number;
  readonly wallSeconds: number | null;
  readonly peakRssMib: number | null;
  readonly rules: readonly string[];
}

export function summaryOf(result: ReplayResult, bill: Bill, cost: CostModel, facts: RunFacts): Summary {
  const tooLarge = { reason: 'larger than any node', rows: result.instancesRejected, example: '' };
  return {
    format: 1,
    trace: facts.trace,
    fleet: facts.fleet,
    policy: facts.policy,
    seed: facts.seed,
    energyKwh: rounded(result.energyKwh),
    floorKwh: rounded(result.floorKwh),
    energyOverFloor: result.floorKwh > 0 ? rounded(result.energyKwh / result.floorKwh) : null,
    migrations: result.migrations,
    migrationsPerInstanceDay: result.instanceDays > 0 ? rounded(result.migrations / result.instanceDays) : 0,
    slatahPercent: rounded(result.slatahPercent),
    slatahWithMigrationPercent: rounded(result.slatahWithMigrationPercent),
    pdmPercent: rounded(result.pdmPercent),
    unservedPercent: rounded(result.unservedPercent),
    instancesPlaced: result.instancesPlaced,
    instancesLost: result.instancesLost,
    instancesRejected: result.instancesRejected,
    rejections: [...facts.rejections, ...(result.instancesRejected > 0 ? [tooLarge] : [])],
    restarts: result.restarts,
    waitSeconds: rounded(result.waitSeconds),
    instancesWaiting: result.instancesWaiting,
    nodeHours: rounded(result.nodeHours),
    nodeHoursLowerBound: rounded(result.nodeHoursLowerBound),
    peakNodes: result.peakNodes,
    nodeStarts: result.nodeStarts,
    cost: costSummary(bill, cost),
    carbonGrams: rounded(bill.carbonGrams),
    events: result.events,
    wallSeconds: facts.wallSeconds,
    peakRssMib: facts.peakRssMib,
    rules: facts.rules,
  };
}

export function costSummary(bill: Omit<Bill, 'carbonGrams'>, { currency }: CostModel): CostSummary {
  const names = [...bill.byProject.keys()].sort(
    (a, b) => Number(a === UNALLOCATED) - Number(b === UNALLOCATED) || (a < b ? -1 : 1),
  );
  return {
    currency,
    total: formatMoney(bill.total, currency),
    totalMicroCents: String(bill.total),
    energyMicroCents: String(bill.energy),
    capitalMicroCents: String(bill.capital),
    operationsMicroCents: String(bill.operations),
    byProjectMicroCents: Object.fromEntries(names.map((name) => [name, String(bill.byProject.get(name)!)])),
  };
}

/** Six digits after the point: enough for every figure here, and stable. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export function moneyOf({ totalMicroCents }: CostSummary): number {
  return Number(totalMicroCents) / MICRO_CENTS_PER_UNIT;
}
