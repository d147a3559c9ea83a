import type { FleetNode } from '@berth/database/fleet.repository.js';
import { nodeUnreachableAfterMs, type NodeState } from '@berth/domain/node-state.js';
import type { ProposedPlacement } from '@berth/database/placement.repository.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { invariant } from '@berth/domain/invariant.js';
import { isAllowed } from '@berth/domain/transition.js';
import { instanceTransitions } from '@berth/domain/instance-state.js';
import { decideDeadline } from '../expire/decide-deadline.js';
import { decideFences } from '../expire/decide-fences.js';
import { decidePlacements } from '../placement/decide-placements.js';
import { fleetNodeOf } from '../placement/fleet-node.fixture.js';
import { decideGap } from '../reconcile/decide-gap.js';
import { SimulatedNode, tickMs, type SimulatedJob, type SimulatedReport } from './simulated-node.fixture.js';
import {
  instanceMib,
  SimulatedRecord,
  type SimulatedOperation,
  type SimulatedVmm,
} from './simulated-record.fixture.js';

const againAfterMs = 10_000;
const settledMs = 10_000;
const nodeMib = 4 * instanceMib;

const jobKinds: Partial<Record<OperationKind, SimulatedJob['kind']>> = {
  'delete-instance': 'delete',
  'pause-instance': 'pause',
  'resume-instance': 'resume',
};

interface NodeRow {
  state: NodeState;
  seenMs: number;
  lease: number;
}

interface Delivery {
  readonly atMs: number;
  readonly node: string;
  readonly job: SimulatedJob;
}

/** Nodes, queue, stream and record under one virtual clock; every decision is the scheduler's own code. */
export class SimulatedDatacenter {
  nowMs = 0;
  readonly record = new SimulatedRecord(nodeMib, () => this.nowMs);
  readonly nodes: readonly SimulatedNode[];
  /** Until then no scheduler runs. */
  schedulerDownUntilMs = 0;
  /** How late jobs of this tick come, and how often. */
  jobDelayMs = 0;
  jobCopies = 1;
  private readonly rows = new Map<string, NodeRow>();
  private stream: SimulatedReport[] = [];
  private queue: Delivery[] = [];
  private lossMs = 0;
  /** What another scheduler decided a tick ago, from rows that have changed since. */
  private stalePlan: readonly ProposedPlacement[] = [];

  constructor(nodeCount: number) {
    this.nodes = Array.from({ length: nodeCount }, (_, nth) => new SimulatedNode(`n${nth}`));
    for (const { name } of this.nodes) this.rows.set(name, { state: 'up', seenMs: 0, lease: 0 });
  }

  /** Redis forgets everything. */
  flush(): void {
    this.stream = [];
    this.queue = [];
    this.lossMs = this.nowMs;
  }

  /** Nothing is under way, and nothing differs from what was asked. */
  get isSettled(): boolean {
    const { instances, operations } = this.record;
    const isQuiet = operations.every(({ stage }) => stage === 'done') && this.queue.length === 0;
    return isQuiet && [...instances.values()].every(({ state, desired }) => state === desired || state === 'failed');
  }

  heal(): void {
    this.schedulerDownUntilMs = 0;
    this.jobDelayMs = 0;
    this.jobCopies = 1;
    for (const node of this.nodes) Object.assign(node, { pausedUntilMs: 0, cutUntilMs: 0, frozenUntilMs: 0 });
  }

  tick(): void {
    this.nowMs += tickMs;
    this.deliver();
    for (const node of this.nodes) this.stream.push(...node.tick(this.nowMs));
    this.checkOneGuestEach();
    if (this.nowMs < this.schedulerDownUntilMs) {
      this.lossMs = this.nowMs; // a scheduler that starts knows nothing of what was before it
      return;
    }
    for (const report of this.stream.splice(0)) this.apply(report);
    this.expire();
    this.reconcile();
    this.place();
    this.dispatch();
  }

  /** P3, P4. */
  private checkOneGuestEach(): void {
    const executing = this.nodes.flatMap((node) => node.executing(this.nowMs));
    invariant(new Set(executing).size === executing.length, `P3: a guest twice among ${executing.join(' ')}`);
    for (const { name } of this.nodes)
      invariant(this.record.allocatedMib(name) <= nodeMib, `P4: ${name} is over its allocatable`);
  }

  private deliver(): void {
    const due = this.queue.filter(({ atMs }) => atMs <= this.nowMs);
    this.queue = this.queue.filter(({ atMs }) => atMs > this.nowMs);
    for (const { node, job } of due) this.nodes.find(({ name }) => name === node)!.jobs.push(job);
  }

  private apply(report: SimulatedReport): void {
    if (report.kind === 'beat') this.beat(report);
    else if (report.kind === 'paused' || report.kind === 'resumed')
      this.record.stands(report.vmmId, report.operationId, report.kind === 'paused' ? 'paused' : 'running');
    else if (report.kind === 'gone') this.record.exit({ vmmId: report.vmmId, reason: report.reason, detail: '' });
    else this.record[report.kind](report.vmmId);
  }

  private beat({ node, atMs, lease, vmms }: Extract<SimulatedReport, { kind: 'beat' }>): void {
    const row = this.rows.get(node)!;
    row.seenMs = Math.max(row.seenMs, atMs);
    row.lease = Math.max(row.lease, lease);
    if (this.nowMs - atMs < nodeUnreachableAfterMs) row.state = 'up';
    if (vmms === null || this.nowMs - atMs > 5_000) return;
    const listed = new Map(vmms.map((one) => [one.vmmId, one]));
    for (const vmm of this.record.vmms.values()) {
      if (vmm.node === node) this.compare(vmm, listed.get(vmm.id));
    }
  }

  /** One row of the list of what lives on a node against the record. */
  private compare(vmm: SimulatedVmm, listed: { readonly paused: boolean } | undefined): void {
    const { record } = this;
    const isSettled = this.nowMs - vmm.changedMs > settledMs;
    const isAwaited = record.operations.some((one) => one.stage !== 'done' && one.startsVmm === vmm.id);
    const isListed = listed !== undefined;
    const isRunning = ['running', 'paused', 'stopping'].includes(vmm.state);
    if (isListed && vmm.state === 'unknown') this.revive(vmm, listed.paused ? 'paused' : 'running');
    else if (isListed && vmm.state === 'gone' && isSettled) this.send(vmm, 'delete');
    else if (!isListed && vmm.state !== 'gone' && isSettled && (isRunning || !isAwaited)) {
      record.exit({ vmmId: vmm.id, reason: 'lost', detail: '' });
    }
  }

  private revive(vmm: SimulatedVmm, state: 'running' | 'paused'): void {
    this.record.change(vmm, state);
    const instance = this.record.instances.get(vmm.instanceId)!;
    if (instance.state === 'unknown') this.record.move(instance, state);
  }

  private expire(): void {
    const { record } = this;
    for (const [name, row] of this.rows) {
      if (this.nowMs - row.seenMs > nodeUnreachableAfterMs) row.state = 'unreachable';
      if (row.state === 'unreachable') this.hide(name);
    }
    const stranded = [...record.vmms.values()]
      .filter(({ state, node }) => state === 'unknown' && this.rows.get(node)!.state === 'unreachable')
      .map(({ id: vmmId, instanceId, generation, node }) => ({
        vmmId,
        instanceId,
        generation,
        onIsolation: record.instances.get(instanceId)!.onIsolation,
        unseenMs: this.nowMs - this.rows.get(node)!.seenMs,
      }));
    for (const fenced of decideFences(stranded, { heardAllMs: 0, lossMs: this.nowMs - this.lossMs }))
      record.exit(fenced);
    for (const operation of record.overdue()) this.giveUp(operation);
  }

  private hide(node: string): void {
    for (const vmm of this.record.vmms.values()) {
      if (vmm.node !== node || vmm.state === 'gone' || vmm.state === 'unknown') continue;
      this.record.change(vmm, 'unknown');
      const instance = this.record.instances.get(vmm.instanceId)!;
      if (isAllowed(instanceTransitions, instance.state, 'unknown')) this.record.move(instance, 'unknown');
    }
  }

  private giveUp(operation: SimulatedOperation): void {
    const { id: operationId, kind, initiator, instanceId, stage } = operation;
    const instance = this.record.instances.get(instanceId)!;
    const { state: instanceState } = instance;
    if (stage === 'done') return;
    const about = { operationId, kind, initiator, stage, instanceId, instanceState };
    const outcome = decideDeadline({ ...about, reason: null, node: null, nodeState: null }).instance;
    operation.stage = 'done';
    if (outcome === undefined) return;
    this.record.move(instance, outcome.state);
    instance.restartAtMs = this.nowMs + (outcome.restartAfterMs ?? 0);
  }

  private reconcile(): void {
    const { record } = this;
    for (const instance of record.instances.values()) {
      const { id, state, desired, generation, restartCount } = instance;
      const live = record.liveOf(id);
      if (state === 'deleted' || state === desired || record.openOf(id) || instance.restartAtMs > this.nowMs) continue;
      if (live && this.rows.get(live.node)!.state !== 'up') continue;
      const gap = {
        instanceId: id,
        name: id,
        state,
        desiredState: desired,
        generation,
        restartCount,
        vmmState: live?.state ?? null,
      };
      const asked = decideGap(gap);
      if (asked === null) continue;
      record.move(instance, asked.state);
      record.open(id, asked.kind, asked.initiator, asked.stage);
    }
  }

  /** Two schedulers: the plan of the other comes a tick late. */
  private place(): void {
    const { record } = this;
    const waiting = record.operations.filter(({ stage, nextMs }) => stage === 'place' && nextMs <= this.nowMs);
    if (waiting.length + this.stalePlan.length === 0) return;
    const rows = this.fleetRows();
    for (const stale of this.stalePlan) record.commit(stale, rows);
    const pending = waiting
      .filter(({ stage }) => stage === 'place')
      .map(({ id, initiator, instanceId }) => ({
        operationId: id,
        initiator,
        id: instanceId,
        projectId: 'p',
        vcpus: 1,
        memoryMib: instanceMib,
        diskGib: 0,
        batchSize: 1,
        constraints: {},
        architecture: 'x86_64' as const,
        firmware: 'direct' as const,
        failedDrivers: [],
        waitedMs: 0,
      }));
    const { proposed } = decidePlacements(this.fleetRows(), [], pending);
    const isMine = (_: ProposedPlacement, nth: number): boolean => (nth + this.nowMs / tickMs) % 2 === 0;
    for (const one of proposed.filter(isMine)) record.commit(one, rows);
    this.stalePlan = proposed;
  }

  private fleetRows(): FleetNode[] {
    const size = { cpuMillis: 1_000_000, memoryMib: nodeMib, diskGib: 0 };
    return this.nodes.map(({ name }) => {
      const memoryMib = this.record.allocatedMib(name);
      const allocated = { cpuMillis: memoryMib, memoryMib, diskGib: 0 };
      return fleetNodeOf(name, size, { allocated, reachable: this.rows.get(name)!.state === 'up' });
    });
  }

  private dispatch(): void {
    for (const operation of this.record.operations) {
      const { stage, nextMs, instanceId, startsVmm, kind } = operation;
      if ((stage !== 'dispatch' && stage !== 'node') || nextMs > this.nowMs) continue;
      const live = this.record.liveOf(instanceId);
      if (!live) {
        this.record.settle(operation);
        continue;
      }
      Object.assign(operation, { stage: 'node', nextMs: this.nowMs + againAfterMs });
      this.send(live, startsVmm === live.id ? 'start' : (jobKinds[kind] ?? 'stop'), operation.id);
    }
  }

  private send(
    { id: vmmId, instanceId, generation, node }: SimulatedVmm,
    kind: SimulatedJob['kind'],
    operationId = '',
  ): void {
    const { onIsolation } = this.record.instances.get(instanceId)!;
    const { lease } = this.rows.get(node)!;
    for (let copy = 0; copy < this.jobCopies; copy++) {
      const atMs = this.nowMs + tickMs + copy * 3_000 + this.jobDelayMs;
      this.queue.push({ atMs, node, job: { kind, operationId, vmmId, instanceId, generation, onIsolation, lease } });
    }
  }
}
