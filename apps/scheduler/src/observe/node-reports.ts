import { randomUUID } from 'node:crypto';
import type { NodeHeartbeat, Observation } from '@berth/contracts/observation.js';
import type { ExitRepository } from '@berth/database/exit.repository.js';
import type { InventoryRepository, Orphan } from '@berth/database/inventory.repository.js';
import type { NodeBeat, NodeLeaseRepository, NodePlate } from '@berth/database/node-lease.repository.js';
import type { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import type { ReadyRepository } from '@berth/database/ready.repository.js';
import type { Logger } from '@berth/observability/logger.js';
import type { SnapshotReports } from '../snapshot/snapshot-reports.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { DispatchedJob, JobProducer } from '@berth/queue/job-producer.js';
import type { ReadObservation } from '@berth/queue/observation-reader.js';
import { stopGraceMs } from '../dispatch/job-of.js';
import { ratesOf, type CostModel } from '../fleet/cost-model.js';
import { noteEnded } from '../metrics/operations.js';
import { timelineOf } from './timeline.js';

type Of<K extends Observation['kind']> = Extract<Observation, { kind: K }>;

/** A list of what lives on a node says nothing against a vmm that changed within this time. */
const settledMs = 10_000;
/** An older list has been overtaken by others. */
const inventoryMaxAgeMs = 5_000;
const noTimings = { imageMs: null, spawnedMs: null, kernelMs: null, readyMs: null };

export interface NodeReportParts {
  readonly leases: NodeLeaseRepository;
  readonly losses: NodeLossRepository;
  readonly inventories: InventoryRepository;
  readonly ready: ReadyRepository;
  readonly exits: ExitRepository;
  readonly producer: JobProducer;
  readonly snapshots: SnapshotReports;
  readonly cost: CostModel;
  readonly askForRegistration: (workerIds: readonly string[]) => Promise<void>;
  readonly onCapacity: () => void;
  readonly metrics: Metrics<'scheduler'>;
  readonly logger: Logger;
}

/** Who is there, what lives on it, what it draws. */
export class NodeReports {
  private readonly plates = new Map<string, NodePlate>();

  constructor(private readonly parts: NodeReportParts) {}

  async registered(reports: readonly Of<'nodes-registered'>[]): Promise<void> {
    // of a node that registered twice, the last counts
    const told = new Map(
      reports.flatMap(({ workerId, leaseId, nodes }) =>
        nodes.map((node) => [node.nodeId, { ...node, workerId, leaseId }] as const),
      ),
    );
    if (told.size === 0) return;
    const { leases, logger, onCapacity } = this.parts;
    const { up, rebooted, refused } = await leases.register([...told.values()]);
    for (const nodeId of told.keys()) this.plates.delete(nodeId);
    if (refused.length > 0) logger.warn({ nodeIds: refused }, 'refused: another node has that name');
    await this.bury(rebooted);
    if (up.length > 0) onCapacity();
  }

  async left(reports: readonly Of<'nodes-left'>[]): Promise<void> {
    const nodeIds = reports.flatMap((report) => report.nodeIds);
    if (nodeIds.length > 0) await this.parts.losses.leave(nodeIds);
  }

  /** The newest beat of each node renews its lease; the newest inventory of each is held against the record. */
  async beat(entries: readonly ReadObservation[]): Promise<void> {
    const newest = new Map<string, NodeBeat>();
    const inventories = new Map<string, NodeHeartbeat>();
    const workerOf = new Map<string, string>();
    for (const { observation, ageMs } of entries) {
      if (observation.kind !== 'nodes-beat') continue;
      for (const node of observation.nodes) {
        newest.set(node.nodeId, {
          leaseId: observation.leaseId,
          nodeId: node.nodeId,
          usedCpuMillis: node.usedCpuMillis,
          usedMemoryMib: node.usedMemoryMib,
          ageMs,
        });
        workerOf.set(node.nodeId, observation.workerId);
        if (node.vmms !== null && ageMs <= inventoryMaxAgeMs) inventories.set(node.nodeId, node);
      }
    }
    if (newest.size === 0) return;
    const { leases, cost, snapshots, onCapacity, askForRegistration } = this.parts;
    await this.learnPlates([...newest.keys()]);
    const beats = [...newest.values()].map((beat) => ({ ...beat, watts: this.wattsOf(beat) }));
    const { known, up } = await leases.beat(beats, ratesOf(cost));
    if (up.length > 0) onCapacity();
    const strangers = [...workerOf].flatMap(([nodeId, workerId]) => (known.has(nodeId) ? [] : [workerId]));
    await askForRegistration([...new Set(strangers)]);
    const listed = [...inventories.values()].filter(({ nodeId }) => known.has(nodeId));
    await this.compare(listed);
    await snapshots.clear(listed.map((one) => ({ ...one, workerId: workerOf.get(one.nodeId)! })));
  }

  private wattsOf({ nodeId, usedCpuMillis }: NodeBeat): number {
    const plate = this.plates.get(nodeId);
    if (plate === undefined) return 0;
    return this.parts.cost.curveOf(plate.powerModel).wattsAt(usedCpuMillis / plate.capacityCpuMillis);
  }

  private async learnPlates(nodeIds: readonly string[]): Promise<void> {
    const unknown = nodeIds.filter((nodeId) => !this.plates.has(nodeId));
    if (unknown.length === 0) return;
    for (const plate of await this.parts.leases.plates(unknown)) this.plates.set(plate.nodeId, plate);
  }

  /** Another boot: no process of the old one is left. */
  private async bury(rebooted: readonly string[]): Promise<void> {
    if (rebooted.length === 0) return;
    const { leases, exits, metrics } = this.parts;
    const live = await leases.liveVmms(rebooted);
    const { ended } = await exits.apply(
      live.map((vmm) => ({
        ...vmm,
        reason: 'node-rebooted',
        detail: 'its node was started anew',
        method: 'node-reported',
      })),
    );
    noteEnded(metrics, ended);
  }

  private async compare(inventories: readonly NodeHeartbeat[]): Promise<void> {
    if (inventories.length === 0) return;
    const { inventories: repository, ready, exits, metrics } = this.parts;
    const vmms = inventories.flatMap(({ nodeId, vmms: listed }) => (listed ?? []).map((vmm) => ({ nodeId, ...vmm })));
    const { lost, orphans, unheard } = await repository.apply(
      inventories.map(({ nodeId }) => nodeId),
      vmms,
      settledMs,
    );
    noteEnded(metrics, (await exits.apply(lost)).ended);
    if (unheard.length > 0) {
      const reports = unheard.map((vmm) => ({ ...vmm, operationId: null, timings: noTimings }));
      noteEnded(metrics, (await ready.apply([], reports, 0, timelineOf)).ready);
    }
    if (orphans.length > 0) this.parts.logger.warn({ orphans }, 'vmms that the record does not want');
    const kept = await repository.ofDeleted(inventories.flatMap(({ keptVmmIds }) => keptVmmIds ?? []));
    await this.end([...orphans, ...kept]);
    const drift = metrics.get('berth_reconcile_drift_total');
    for (const [kind, found] of Object.entries({ lost, orphan: orphans, unheard }))
      if (found.length > 0) drift.inc({ kind }, found.length);
  }

  /** Nobody's operation: the next list asks again if this job gets lost. */
  private async end(orphans: readonly Orphan[]): Promise<void> {
    if (orphans.length === 0) return;
    const jobs = orphans.map(({ workerId, nodeId, vmmId, instanceId, generation }): DispatchedJob => {
      const operationId = randomUUID();
      const payload = { operationId, nodeId, vmmId, instanceId, generation, graceMs: stopGraceMs, delete: true };
      return { workerId, jobId: `${operationId}.1`, name: 'stop-instance', payload };
    });
    await this.parts.producer.dispatch(jobs);
  }
}
