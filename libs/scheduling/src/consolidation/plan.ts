import type { FleetView } from '../fleet.js';
import type { PlacementRequest } from '../request.js';

/** What a consolidation policy sees of the instances: columns by slot. */
export interface InstanceColumns {
  readonly requests: readonly PlacementRequest[];
  /** The node that carries it; while it moves, the node it moves to. -1: on none. */
  readonly node: Int32Array;
  /** CPU it asks for now. */
  readonly demandCpuMillis: Float64Array;
  /** 1 while it moves. */
  readonly moving: Uint8Array;
}

export interface ConsolidationView {
  readonly nowS: number;
  /** Moving instances are booked on both nodes. */
  readonly fleet: FleetView;
  readonly instances: InstanceColumns;
  /** 1 while a node starts: it is still asleep, and on its way. */
  readonly starting: Uint8Array;
  readonly power: NodePowerColumns;
  readonly service: NodeService;
  /** Instances that wait for a node. */
  readonly waiting: number;
}

/** What nodes have measured so far, summed over all: time carrying instances, and of it in overload. */
export interface NodeService {
  readonly activeS: number;
  readonly overloadS: number;
}

export interface NodePowerColumns {
  readonly idleWatts: Float64Array;
  readonly peakWatts: Float64Array;
}

export interface PlannedMove {
  readonly instance: number;
  readonly from: number;
  readonly to: number;
  readonly reason: 'overload' | 'fill' | 'drain';
  /** What the policy expected of it, when it says. */
  readonly risk?: MoveRisk;
}

/** Risk of overload (`loadRisk`) of both nodes of a move, before and after it. */
export interface MoveRisk {
  readonly from: readonly [before: number, after: number];
  readonly to: readonly [before: number, after: number];
}

/** Moves in an order in which every intermediate state fits; nodes to start and to put to sleep. */
export interface ConsolidationPlan {
  readonly moves: readonly PlannedMove[];
  readonly wake: readonly number[];
  readonly sleep: readonly number[];
}

export interface Consolidator {
  readonly name: string;
  /** Nodes for new instances, booked on `view.fleet`; -1 for those that no awake node takes now. */
  admit(view: ConsolidationView, arrivals: readonly number[]): number[];
  /** Books the targets of its moves on `view.fleet`; whoever carries a move out releases its source at the end. */
  decide(view: ConsolidationView): ConsolidationPlan;
}

/** Limits of what consolidation may do, whatever a policy would like. */
export interface MoveBudget {
  readonly perRound: number;
  readonly perInstanceDay: number;
  /** An instance rests this long after a move. */
  readonly cooldownS: number;
  /** ... and does not return to a node for this long after it left it. */
  readonly noReturnS: number;
}
