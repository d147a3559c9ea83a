import type { Observation } from '@berth/contracts/observation.js';
import { bootDeadlineMs } from '@berth/domain/limits.js';
import type { KillReason, Observed } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import { endReport, readyReport } from '../report/vmm-reports.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import type { Vmm, VmmEnd } from './vmm.js';
import type { VmmTable } from './vmm-table.js';

/** A guest that is not ready by then is ended; forty at once on two cores need about 30 s. */
export const startLimitMs = 90_000;
/** A vmm that answers nobody for this long is ended, so that the restart policy can act. */
export const unresponsiveLimitMs = 30_000;

interface Limit {
  readonly reason: KillReason;
  readonly timer: NodeJS.Timeout;
}

/** Hears from the drivers how vmms do, tells the control plane at once, and ends those that overstep a limit. */
export class VmmWatcher {
  private readonly limits = new Map<Vmm, Limit>();
  private readonly unwatch: (() => void)[] = [];

  constructor(
    private readonly table: VmmTable,
    private readonly report: (observation: Observation) => void,
    private readonly onEnd: (vmm: Vmm, end: VmmEnd) => void,
    private readonly logger: Logger,
  ) {}

  watch({ engines }: WorkerNode): void {
    this.unwatch.push(engines.watch((observed) => this.observe(observed)));
  }

  observe(observed: Observed): void {
    const vmm = this.table.get(observed.handle.vmmId);
    if (!vmm || vmm.end) return;
    vmm.observed = observed;
    switch (observed.state) {
      case 'starting':
        vmm.readyTold = false;
        if (vmm.move?.role === 'target') return; // how long a guest is on its way is its operation's affair
        return this.limit(vmm, 'start-timeout', vmm.bootsSlowly ? bootDeadlineMs : startLimitMs);
      case 'running':
        return this.ready(vmm, observed);
      case 'paused':
        vmm.readyTold = true; // only what was ready can be paused
        return this.unlimit(vmm);
      case 'unresponsive':
        return this.limit(vmm, 'unresponsive', unresponsiveLimitMs);
      case 'gone':
        return this.end(vmm, observed.exit ?? { reason: 'lost', detail: 'the node does not know it' });
    }
  }

  /** No process of it exists, for ever. Doing it again changes nothing. */
  end(vmm: Vmm, { reason, detail }: VmmEnd): void {
    if (vmm.end) return;
    this.unlimit(vmm);
    vmm.end = { reason, detail: vmm.givenUpBecause ?? detail };
    vmm.endedAtMs = performance.now();
    this.report(endReport(vmm));
    this.onEnd(vmm, vmm.end);
    this.table.keep(vmm).catch((error: unknown) => this.logger.error({ error, vmm: vmm.handle }, 'end not noted'));
  }

  close(): void {
    for (const unwatch of this.unwatch) unwatch();
    for (const vmm of this.limits.keys()) this.unlimit(vmm);
  }

  private ready(vmm: Vmm, observed: Observed): void {
    this.unlimit(vmm);
    if (vmm.readyTold) return;
    vmm.readyTold = true;
    this.report(readyReport(vmm, observed));
  }

  private limit(vmm: Vmm, reason: KillReason, limitMs: number): void {
    if (this.limits.get(vmm)?.reason === reason) return;
    this.unlimit(vmm);
    const timer = setTimeout(() => {
      this.limits.delete(vmm);
      this.overstepped(vmm, reason).catch((error: unknown) =>
        this.logger.error({ error, vmm: vmm.handle }, 'not ended'),
      );
    }, limitMs);
    this.limits.set(vmm, { reason, timer });
  }

  private unlimit(vmm: Vmm): void {
    clearTimeout(this.limits.get(vmm)?.timer);
    this.limits.delete(vmm);
  }

  /** Asks once more before it ends the guest: what was heard may be old. */
  private async overstepped(vmm: Vmm, reason: KillReason): Promise<void> {
    const observed = await vmm.driver.inspect(vmm.handle);
    if (['running', 'paused', 'gone'].includes(observed.state)) return this.observe(observed);
    this.logger.warn({ vmm: vmm.handle, reason }, 'ending a vmm');
    await vmm.driver.kill(vmm.handle, reason);
    this.observe(await vmm.driver.inspect(vmm.handle));
  }
}
