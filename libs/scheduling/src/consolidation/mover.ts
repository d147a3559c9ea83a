import type { Policy } from '../policy.js';
import type { MoveGuard } from './move-guard.js';
import type { NodeLoads } from './node-loads.js';
import type { ConsolidationView, MoveRisk, PlannedMove } from './plan.js';

/**
 * The only way a move gets into a plan: every filter of the placement policy admits it, the budget allows it, and
 * both nodes carry it while it is under way, so that every state in between fits.
 */
export class Mover {
  readonly moves: PlannedMove[] = [];
  private readonly planned = new Set<number>();
  private readonly closed = new Set<number>();
  private readonly risks = new Map<PlannedMove, MoveRisk>();

  constructor(
    private readonly view: ConsolidationView,
    private readonly loads: NodeLoads,
    private readonly policy: Policy,
    private readonly guard: MoveGuard,
  ) {}

  /** Takes the node out of the targets of this round. */
  close(node: number): void {
    this.closed.add(node);
  }

  reopen(node: number): void {
    this.closed.delete(node);
  }

  get left(): number {
    return this.guard.leftInRound;
  }

  mayLeave(instance: number): boolean {
    const { instances, nowS } = this.view;
    return instances.moving[instance] === 0 && !this.planned.has(instance) && this.guard.mayLeave(instance, nowS);
  }

  mayGoTo(instance: number, node: number): boolean {
    const { fleet, instances, nowS } = this.view;
    if (this.closed.has(node) || !this.guard.mayGoTo(instance, node, nowS)) return false;
    const request = instances.requests[instance]!;
    return this.policy.filters.every((filter) => filter.admits(fleet, request, node));
  }

  /** Books and plans the move; false when the round's budget is spent. */
  make(move: PlannedMove): boolean {
    if (this.left <= 0) return false;
    this.book(move);
    this.commit([move]);
    return true;
  }

  /** Books a move that may yet be taken back. */
  book(move: PlannedMove): void {
    const { loads } = this;
    const { instance, from, to } = move;
    const before = [loads.riskOf(from), loads.riskOf(to)] as const;
    this.view.fleet.apply(to, this.view.instances.requests[instance]!);
    loads.move(instance, from, to);
    this.risks.set(move, { from: [before[0], loads.riskOf(from)], to: [before[1], loads.riskOf(to)] });
  }

  takeBack({ instance, from, to }: PlannedMove): void {
    this.view.fleet.release(to, this.view.instances.requests[instance]!);
    this.loads.move(instance, to, from);
  }

  /** Plans moves that are booked. */
  commit(moves: readonly PlannedMove[]): void {
    for (const move of moves) {
      this.guard.record(move.instance, move.from, this.view.nowS);
      this.planned.add(move.instance);
      this.moves.push({ ...move, risk: this.risks.get(move)! });
    }
  }
}
