import type { JobPayload } from '@berth/contracts/job.js';
import { EngineError } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import type { Lease } from '../report/lease.js';
import { endReport, readyReport, startingReport, stoppingReport } from '../report/vmm-reports.js';
import { Vmm } from '../vmms/vmm.js';
import { pausingDriver } from './pause.processor.js';
import { startSteps, type StartParts } from './start-steps.js';

export interface ProcessorParts extends StartParts {
  readonly nodes: ReadonlyMap<string, WorkerNode>;
  readonly lease: Pick<Lease, 'holds'>;
  readonly logger: Logger;
}

type Target = Omit<JobPayload<'reboot-instance'>, 'graceMs'>;

/**
 * What the jobs of instances do on a node. Each may come late, doubled or out of order: it is recognised by vmm and
 * generation, finds out how things stand, and tells it again if there is nothing left to do.
 */
export class InstanceProcessor {
  constructor(private readonly parts: ProcessorParts) {}

  async start({ operationId, nodeId, leaseId, vmm: order }: JobPayload<'start-instance'>): Promise<void> {
    const takenAtMs = performance.now();
    const { vmmId, instanceId, generation } = order;
    const { table, lease } = this.parts;
    await table.inTurn(vmmId, async () => {
      const known = table.get(vmmId);
      if (known?.observed || known?.end) return this.tellAgain(known, operationId);
      if (!lease.holds(leaseId)) return this.leaveLapsed(vmmId);
      const node = this.nodeOf(nodeId);
      const driver = node.engines.find(order.driver);
      const note = { operationId, end: null };
      const vmm = new Vmm(node, driver ?? node.engines.best, { vmmId, instanceId, generation }, order, note);
      if (table.newestGeneration(instanceId) > generation) return this.leaveBehind(vmm);
      if (!driver) return this.giveUp(vmm, 'engine', new Error(`node ${node.name} has no engine ${order.driver} now`));
      const start = { ...this.parts, vmm, order, operationId, takenAtMs };
      for (const { name, run } of startSteps) {
        try {
          await run(start);
        } catch (error) {
          return this.giveUp(vmm, name, error);
        }
        if (vmm.end) return;
        if (!lease.holds(leaseId)) return this.endLapsed(vmm);
      }
    });
  }

  async stop(job: JobPayload<'stop-instance'>): Promise<void> {
    const reason = job.delete ? 'deleted' : 'stopped';
    const { table, watcher, report } = this.parts;
    await table.inTurn(job.vmmId, async () => {
      const vmm = table.get(job.vmmId) ?? (await this.neverStarted(job));
      const { driver } = vmm;
      vmm.operationId = job.operationId;
      if (vmm.end) report(endReport(vmm));
      else if (!vmm.observed) watcher.end(vmm, { reason, detail: 'never ran here' });
      else {
        await table.keep(vmm);
        vmm.stopping = true;
        report(stoppingReport(vmm));
        if (vmm.paused && !job.delete) await goOn(vmm); // or it could not shut itself down
        await driver.stop(vmm.handle, { graceMs: job.graceMs, reason });
        await this.confirmEnd(vmm);
      }
      if (!job.delete) return;
      if (vmm.observed) await driver.release(vmm.handle);
      vmm.observed = undefined;
      await this.parts.disks.remove(job.instanceId);
      await this.parts.saved.remove(job.instanceId);
    });
  }

  async reboot(job: JobPayload<'reboot-instance'>): Promise<void> {
    const { table, report } = this.parts;
    await table.inTurn(job.vmmId, async () => {
      const vmm = table.get(job.vmmId) ?? (await this.neverStarted(job));
      if (vmm.end || vmm.operationId === job.operationId) return this.tellAgain(vmm, job.operationId);
      const { operationId, rebootedAtMs, readyTold } = vmm;
      const before = { operationId, rebootedAtMs, readyTold };
      try {
        Object.assign(vmm, { operationId: job.operationId, rebootedAtMs: performance.now(), readyTold: false });
        await table.keep(vmm);
        await vmm.driver.reboot(vmm.handle);
        if (!vmm.readyTold && !vmm.end) report(startingReport(vmm, job.operationId));
      } catch (error) {
        Object.assign(vmm, before);
        throw error;
      }
    });
  }

  /** The job was done before, or its report was lost on the way. */
  private tellAgain(vmm: Vmm, operationId: string): void {
    vmm.operationId = operationId;
    const { observed } = vmm;
    if (vmm.end) this.parts.report(endReport(vmm));
    else if (observed?.state === 'running') this.parts.report(readyReport(vmm, observed));
    else this.parts.report(startingReport(vmm, operationId));
  }

  /** The record may have given the vmm up meanwhile and begun another; if not, it sends a new job. */
  private leaveLapsed(vmmId: string): void {
    this.parts.logger.info({ vmmId }, 'the lease ran out since the job was handed out: job left');
  }

  private async endLapsed(vmm: Vmm): Promise<void> {
    this.leaveLapsed(vmm.handle.vmmId);
    if (!vmm.observed) return;
    await vmm.driver.kill(vmm.handle, 'isolated');
    await this.confirmEnd(vmm);
  }

  private leaveBehind(vmm: Vmm): void {
    this.parts.logger.info({ vmm: vmm.handle }, 'a newer generation is here: job left');
    this.parts.table.restore(vmm);
    this.parts.watcher.end(vmm, { reason: 'superseded', detail: 'a newer generation is on this node' });
  }

  /** Told only once no process of it is left: the control plane takes it for a fence. */
  private async giveUp(vmm: Vmm, step: string, error: unknown): Promise<void> {
    this.parts.logger.warn({ error, step, vmm: vmm.handle }, 'start given up');
    const detail = error instanceof Error ? error.message : String(error);
    const code = error instanceof EngineError ? error.code : 'start-failed';
    this.parts.table.restore(vmm);
    if (code !== 'stale-generation') {
      vmm.refusal = { code: code === 'image-unavailable' ? code : 'start-failed', detail };
      if ((await vmm.driver.inspect(vmm.handle)).state !== 'gone') {
        await vmm.driver.kill(vmm.handle, 'start-failed');
      }
    }
    this.parts.watcher.end(vmm, { reason: code === 'stale-generation' ? 'superseded' : 'start-failed', detail });
  }

  private async confirmEnd(vmm: Vmm): Promise<void> {
    const { state, exit } = await vmm.driver.inspect(vmm.handle);
    if (state !== 'gone') throw new Error(`vmm ${vmm.handle.vmmId} is ${state} after its stop`);
    this.parts.watcher.end(vmm, exit ?? { reason: 'lost', detail: 'the node does not know it' });
  }

  /** A job for a vmm nothing was noted of; remembered, so that its start does not come after its stop. */
  private async neverStarted({ nodeId, operationId, vmmId, instanceId, generation }: Target): Promise<Vmm> {
    const node = this.nodeOf(nodeId);
    const note = { operationId, end: null };
    const vmm = new Vmm(node, node.engines.best, { vmmId, instanceId, generation }, null, note);
    await this.parts.table.keep(vmm);
    return vmm;
  }

  private nodeOf(nodeId: string): WorkerNode {
    const node = this.parts.nodes.get(nodeId);
    if (!node) throw new Error(`node ${nodeId} is not of this worker`);
    return node;
  }
}

/** What does not go on is ended all the same. */
async function goOn(vmm: Vmm): Promise<void> {
  await pausingDriver(vmm)
    .resume(vmm.handle)
    .catch(() => undefined);
}
