import type { MigrationModel } from '../power/migration.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Workload } from '../demand/workload.js';
import type { ConsolidationView, Consolidator, PlannedMove } from '@berth/scheduling/consolidation/plan.js';

export interface ReplayOptions {
  readonly workload: Workload;
  readonly fleet: Fleet;
  readonly consolidator: Consolidator;
  readonly migration: MigrationModel;
  /** The consolidator reads demand and decides this often. */
  readonly decideEveryS: number;
  /** Rows of the series; nothing else depends on it. */
  readonly observeEveryS: number;
  /** Failures of a node a year; 0: none. A failed node's instances start again elsewhere. */
  readonly failuresPerNodeYear: number;
  readonly repairS: number;
  readonly seed: number;
  /** Called once, after everything of that time has happened. */
  readonly look?: { readonly atS: number; readonly at: (view: ConsolidationView) => void };
  readonly onMove?: (timeS: number, move: PlannedMove) => void;
  readonly onProgress?: (timeS: number) => void;
}

/** One row of the series: the fleet at an instant, totals up to it. */
export interface Observation {
  readonly timeS: number;
  readonly nodesOn: number;
  readonly watts: number;
  /** What the demand of this instant would draw on full nodes of the best kind. */
  readonly floorWatts: number;
  readonly demandCpuMillis: number;
  /** Share of the CPU of the nodes that are on. */
  readonly utilization: number;
  readonly overloadedNodes: number;
  readonly migrations: number;
  readonly energyKwh: number;
  /** Utilization per node; -1: off. Absent for large fleets. */
  readonly heat?: Float32Array;
}

export interface ReplayResult {
  readonly energyKwh: number;
  readonly floorKwh: number;
  readonly migrations: number;
  readonly instanceDays: number;
  readonly slatahPercent: number;
  /** As above, with nodes that a migration leaves counted as degraded all the while. */
  readonly slatahWithMigrationPercent: number;
  readonly pdmPercent: number;
  readonly unservedPercent: number;
  readonly instancesPlaced: number;
  readonly instancesRejected: number;
  readonly instancesLost: number;
  readonly restarts: number;
  readonly waitSeconds: number;
  /** Still without a node at the end. */
  readonly instancesWaiting: number;
  readonly nodeHours: number;
  readonly nodeHoursLowerBound: number;
  readonly peakNodes: number;
  readonly nodeStarts: number;
  readonly events: number;
  /** Joules per instance, by slot, and what no instance accounts for. */
  readonly instanceJoules: Float64Array;
  readonly unallocatedJoules: number;
  /** Seconds each instance was on a node. */
  readonly instanceSeconds: Float64Array;
  /** Fleet joules up to the end of each accounting interval. */
  readonly joulesByInterval: readonly number[];
  readonly observations: readonly Observation[];
}

/** Energy is recorded at this interval for prices and carbon that change over time. */
export const ACCOUNT_EVERY_S = 300;
