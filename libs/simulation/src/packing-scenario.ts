import { policies, type PolicyName } from '@berth/scheduling/policy.js';
import { packingBillOf, type CostModel } from './cost/cost-model.js';
import type { Fleet } from './fleet/fleet.js';
import { replayEndS } from './packing/arrivals.js';
import type { Arrivals } from './packing/arrivals.js';
import { lowerBound } from './packing/lower-bound.js';
import { PackingReplay } from './packing/replay.js';
import { costSummary, type Summary } from './report/summary.js';

export interface PackingScenario {
  readonly trace: string;
  readonly arrivals: Arrivals;
  /** Nodes of one kind. */
  readonly fleet: Fleet;
  readonly cost: CostModel;
  readonly policy: PolicyName;
  readonly migrationsPer1000: number;
  readonly seed: number;
}

const RELEARN_EVERY_S = 3600;
const DAY_S = 86_400;
/** The trace names no projects. */
const EVERYBODY = '(all)';
const RULES = [
  'Departures of an instant come before its arrivals.',
  'What arrives at one instant is placed as one batch, the long-lived first.',
  'Moves take no time and cost nothing but their number.',
  'A node is opened only when none in use takes a request, and closed when empty.',
  'Lifetimes are learned from instances that have ended; none is known in advance.',
  'The lower bound is the integral of max(ceil(cpu), ceil(memory)) over time: no packing can pass it.',
  'CPU demand is unknown in this trace: energy takes what is booked as used, and violations are not given.',
  'Energy drawn idle is charged by reserved memory, the rest by CPU; idle energy of free memory to (unallocated).',
];

/** Packs requests by size until the last one has arrived. */
export function runPackingScenario(scenario: PackingScenario): Summary {
  const { arrivals, fleet, policy, cost, migrationsPer1000 } = scenario;
  const [node] = fleet.nodes;
  if (node === undefined || fleet.nodes.some((other) => other !== node)) {
    throw new RangeError('packing needs a fleet of one kind of node');
  }
  const firstS = arrivals.startS[0]!;
  const endS = replayEndS(arrivals);
  const size = { cpuMillis: node.cpuMillis, memoryMib: node.memoryMib, diskGib: node.diskGib };
  const result = new PackingReplay(arrivals, {
    node: size,
    nodes: fleet.nodes.length,
    policy: policies[policy],
    learn: policy === 'berth',
    offsetsS: [0],
    endS,
    relearnIntervalS: RELEARN_EVERY_S,
    migrationsPer1000,
    power: node.power,
  }).run();
  const bound = lowerBound(arrivals, size, endS);
  let instanceDays = 0;
  for (let i = 0; i < arrivals.count; i++)
    instanceDays += (Math.min(arrivals.endS[i]!, endS) - arrivals.startS[i]!) / DAY_S;
  const bill = packingBillOf(result, [EVERYBODY], fleet, cost);
  const rejection = { reason: 'no node could take it', rows: result.rejected, example: '' };
  return {
    ...UNKNOWN_WITHOUT_DEMAND,
    format: 1,
    trace: `${scenario.trace} (${((endS - firstS) / 3600).toFixed(1)} h)`,
    fleet: fleet.name,
    policy,
    seed: scenario.seed,
    energyKwh: result.energyKwh,
    migrations: result.migrations,
    migrationsPerInstanceDay: instanceDays > 0 ? result.migrations / instanceDays : 0,
    instancesPlaced: result.placed,
    instancesRejected: result.rejected,
    rejections: result.rejected > 0 ? [rejection] : [],
    nodeHours: result.nodeHours,
    nodeHoursLowerBound: bound.nodeHours,
    peakNodes: result.peakNodes,
    cost: costSummary(bill, cost),
    carbonGrams: bill.carbonGrams,
    events: result.events,
    rules: RULES,
  };
}

const UNKNOWN_WITHOUT_DEMAND = {
  floorKwh: null,
  energyOverFloor: null,
  slatahPercent: null,
  slatahWithMigrationPercent: null,
  pdmPercent: null,
  unservedPercent: null,
  instancesLost: 0,
  restarts: 0,
  waitSeconds: 0,
  instancesWaiting: 0,
  nodeStarts: 0,
  wallSeconds: null,
  peakRssMib: null,
} as const;
