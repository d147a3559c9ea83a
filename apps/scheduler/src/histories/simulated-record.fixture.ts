import type { ExitFacts, ExitOutcome, VmmExit } from '@berth/database/exit-facts.js';
import type { FleetNode } from '@berth/database/fleet.repository.js';
import type { ProposedPlacement } from '@berth/database/placement.repository.js';
import type { DesiredState, InstanceState, IsolationPolicy } from '@berth/domain/instance-state.js';
import { instanceTransitions } from '@berth/domain/instance-state.js';
import { invariant } from '@berth/domain/invariant.js';
import { operationDeadlineMs } from '@berth/domain/limits.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { isAllowed } from '@berth/domain/transition.js';
import { vmmTransitions, type VmmState } from '@berth/domain/vmm-state.js';
import { decideExit } from '../observe/decide-exit.js';

export interface SimulatedInstance {
  readonly id: string;
  readonly onIsolation: IsolationPolicy;
  desired: DesiredState;
  state: InstanceState;
  generation: number;
  restartCount: number;
  restartAtMs: number;
}

export interface SimulatedVmm {
  readonly id: string;
  readonly instanceId: string;
  readonly generation: number;
  readonly node: string;
  state: VmmState;
  changedMs: number;
  readyMs: number | null;
}

export interface SimulatedOperation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly initiator: string;
  readonly instanceId: string;
  readonly createdMs: number;
  stage: 'place' | 'dispatch' | 'node' | 'done';
  /** Of the vmm it placed. */
  startsVmm: string | null;
  nextMs: number;
}

export const instanceMib = 100;

/** The record in memory, with the compare-and-set rules of its repositories, and the real decisions behind them. */
export class SimulatedRecord {
  readonly instances = new Map<string, SimulatedInstance>();
  readonly vmms = new Map<string, SimulatedVmm>();
  readonly operations: SimulatedOperation[] = [];

  constructor(
    readonly nodeMib: number,
    readonly nowMs: () => number,
  ) {}

  create(onIsolation: IsolationPolicy): void {
    const id = `i${this.instances.size}`;
    const waiting = { desired: 'running', state: 'pending', generation: 0, restartCount: 0, restartAtMs: 0 } as const;
    this.instances.set(id, { id, onIsolation, ...waiting });
    this.open(id, 'create-instance', 'user', 'place');
  }

  delete(instance: SimulatedInstance): void {
    if (instance.desired === 'deleted') return;
    const open = this.openOf(instance.id);
    if (open) open.stage = 'done';
    instance.desired = 'deleted';
    this.move(instance, 'deleting');
    if (this.liveOf(instance.id)) this.open(instance.id, 'delete-instance', 'user', 'dispatch');
    else this.move(instance, 'deleted');
  }

  pause(instance: SimulatedInstance, desired: 'paused' | 'running'): void {
    if (instance.state !== (desired === 'paused' ? 'running' : 'paused') || this.openOf(instance.id)) return;
    instance.desired = desired;
    this.open(instance.id, desired === 'paused' ? 'pause-instance' : 'resume-instance', 'user', 'dispatch');
  }

  open(instanceId: string, kind: OperationKind, initiator: string, stage: 'place' | 'dispatch'): void {
    invariant(!this.openOf(instanceId), `one open operation for ${instanceId}`);
    const nowMs = this.nowMs();
    const id = `o${this.operations.length}`;
    this.operations.push({ id, kind, initiator, instanceId, createdMs: nowMs, stage, startsVmm: null, nextMs: nowMs });
  }

  openOf(instanceId: string): SimulatedOperation | undefined {
    return this.operations.findLast((one) => one.instanceId === instanceId && one.stage !== 'done');
  }

  liveOf(instanceId: string): SimulatedVmm | undefined {
    return [...this.vmms.values()].find((vmm) => vmm.instanceId === instanceId && vmm.state !== 'gone');
  }

  overdue(): SimulatedOperation[] {
    const nowMs = this.nowMs();
    return this.operations.filter((one) => one.stage !== 'done' && nowMs - one.createdMs > operationDeadlineMs);
  }

  allocatedMib(node: string): number {
    const live = [...this.vmms.values()].filter((vmm) => vmm.node === node && vmm.state !== 'gone');
    return live.length * instanceMib;
  }

  /** Checks again what the plan saw, as `commitPlan()` does; false: refused. */
  commit({ operationId, instanceId, node }: ProposedPlacement, rows: readonly FleetNode[]): boolean {
    const operation = this.operations.find(({ id }) => id === operationId)!;
    const instance = this.instances.get(instanceId)!;
    const row = rows.find(({ id }) => id === node);
    if (operation.stage !== 'place' || instance.state !== 'pending' || !row?.reachable) return false;
    if (this.allocatedMib(node) + instanceMib > this.nodeMib) return false;
    invariant(!this.liveOf(instanceId), `one live vmm for ${instanceId}`);
    this.move(instance, 'starting');
    instance.generation += 1;
    const id = `${instanceId}.${instance.generation}`;
    const nowMs = this.nowMs();
    const { generation } = instance;
    this.vmms.set(id, { id, instanceId, generation, node, state: 'scheduled', changedMs: nowMs, readyMs: null });
    Object.assign(operation, { stage: 'dispatch', startsVmm: id, nextMs: nowMs });
    return true;
  }

  starting(vmmId: string): void {
    const vmm = this.vmms.get(vmmId)!;
    if (vmm.state === 'running' || !isAllowed(vmmTransitions, vmm.state, 'starting')) return;
    this.change(vmm, 'starting');
    const instance = this.instances.get(vmm.instanceId)!;
    if (instance.state === 'unknown') this.move(instance, 'starting');
    const open = this.openOf(vmm.instanceId);
    if (open?.startsVmm === vmmId) open.nextMs = this.nowMs() + 30_000;
  }

  ready(vmmId: string): void {
    const vmm = this.vmms.get(vmmId)!;
    if (vmm.state === 'paused' || (vmm.state !== 'running' && !isAllowed(vmmTransitions, vmm.state, 'running'))) return;
    if (vmm.state !== 'running') this.change(vmm, 'running');
    vmm.readyMs ??= this.nowMs();
    const instance = this.instances.get(vmm.instanceId)!;
    if (vmm.generation === instance.generation && isAllowed(instanceTransitions, instance.state, 'running')) {
      this.move(instance, 'running');
    }
    const open = this.openOf(vmm.instanceId);
    if (open?.startsVmm === vmmId && open.kind !== 'delete-instance' && open.kind !== 'stop-instance')
      open.stage = 'done';
  }

  /** Believed of an open operation only. */
  stands(vmmId: string, operationId: string, state: 'paused' | 'running'): void {
    const open = this.operations.find(({ id, stage }) => id === operationId && stage !== 'done');
    const vmm = this.vmms.get(vmmId)!;
    if (!open || (vmm.state !== state && !isAllowed(vmmTransitions, vmm.state, state))) return;
    if (vmm.state !== state) this.change(vmm, state);
    const instance = this.instances.get(vmm.instanceId)!;
    if (isAllowed(instanceTransitions, instance.state, state)) this.move(instance, state);
    open.stage = 'done';
  }

  exit({ vmmId, reason, detail }: Pick<VmmExit, 'vmmId' | 'reason' | 'detail'>): void {
    const vmm = this.vmms.get(vmmId)!;
    if (vmm.state === 'gone') return;
    this.change(vmm, 'gone');
    const instance = this.instances.get(vmm.instanceId)!;
    const ranMs = vmm.readyMs === null ? null : this.nowMs() - vmm.readyMs;
    const isCurrent = vmm.generation === instance.generation;
    this.follow(instance, vmm, { reason, detail, problem: null, isCurrent, ranMs, driver: 'model', nextDriver: null });
  }

  /** An operation that would act on a vmm where there is none. */
  settle({ instanceId }: SimulatedOperation): void {
    this.follow(this.instances.get(instanceId)!, null, null);
  }

  /** Where its table allows, and nowhere else. */
  move(instance: SimulatedInstance, state: InstanceState): void {
    if (instance.state === state) return;
    invariant(isAllowed(instanceTransitions, instance.state, state), `${instance.id}: ${instance.state} -> ${state}`);
    instance.state = state;
  }

  change(vmm: SimulatedVmm, state: VmmState): void {
    invariant(isAllowed(vmmTransitions, vmm.state, state), `${vmm.id}: ${vmm.state} -> ${state}`);
    Object.assign(vmm, { state, changedMs: this.nowMs() });
  }

  private follow(instance: SimulatedInstance, vmm: SimulatedVmm | null, exit: ExitFacts['exit']): void {
    const open = this.openOf(instance.id);
    const { id, state, desired: desiredState, restartCount, generation } = instance;
    const outcome = decideExit({
      instance: {
        id,
        name: id,
        state,
        desiredState,
        restartPolicy: 'always',
        restartCount,
        generation,
        isSaved: false,
      },
      exit,
      operation: open ? this.factOf(open, vmm) : null,
    });
    this.write(instance, open, outcome);
  }

  private factOf(open: SimulatedOperation, vmm: SimulatedVmm | null): ExitFacts['operation'] {
    const placed = [...this.vmms.values()].filter(
      (one) => one.instanceId === open.instanceId && one.changedMs >= open.createdMs,
    );
    const startsIt = vmm !== null && open.startsVmm === vmm.id;
    return { id: open.id, kind: open.kind, startsIt, startCount: placed.length };
  }

  private write(instance: SimulatedInstance, open: SimulatedOperation | undefined, outcome: ExitOutcome): void {
    const nowMs = this.nowMs();
    if (outcome.instance) {
      this.move(instance, outcome.instance.state);
      instance.desired = outcome.instance.desiredState ?? instance.desired;
      instance.restartCount = outcome.instance.restartCount ?? instance.restartCount;
      instance.restartAtMs = nowMs + (outcome.instance.restartAfterMs ?? 0);
    }
    if (outcome.operation === 'again') Object.assign(open!, { stage: 'place', startsVmm: null, nextMs: nowMs });
    else if (outcome.operation) open!.stage = 'done';
  }
}
