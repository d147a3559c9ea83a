import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { pauses, type Pauses } from '@berth/engine/abilities.js';
import type { EngineDriver } from '@berth/engine/driver.js';
import { endReport, pausedReport, resumedReport } from '../report/vmm-reports.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';

type Job = JobPayload<'pause-instance'>;

/**
 * Guests that are to stand still, and to go on. That one is paused is noted before its time stops: what finds it
 * standing still, in this process or the next, then knows that somebody wanted it.
 */
export class PauseProcessor {
  constructor(
    private readonly table: VmmTable,
    private readonly watcher: VmmWatcher,
    private readonly report: (observation: Observation) => void,
  ) {}

  pause(job: Job): Promise<void> {
    return this.change(job, async (vmm) => {
      await this.note(vmm, true);
      await pausingDriver(vmm).pause(vmm.handle);
      this.watcher.observe(await vmm.driver.inspect(vmm.handle));
      if (!vmm.end) this.report(pausedReport(vmm, job.operationId));
    });
  }

  resume(job: Job): Promise<void> {
    return this.change(job, async (vmm) => {
      await pausingDriver(vmm).resume(vmm.handle);
      await this.note(vmm, false);
      this.watcher.observe(await vmm.driver.inspect(vmm.handle));
      if (!vmm.end) this.report(resumedReport(vmm, job.operationId));
    });
  }

  /** Of a vmm that nobody knows here, its node's next inventory tells; one that is on its way stays as it is. */
  private change({ vmmId, operationId }: Job, work: (vmm: Vmm) => Promise<void>): Promise<void> {
    return this.table.inTurn(vmmId, async () => {
      const vmm = this.table.get(vmmId);
      if (!vmm?.observed || vmm.move) return;
      vmm.operationId = operationId;
      return vmm.end ? this.report(endReport(vmm)) : work(vmm);
    });
  }

  private async note(vmm: Vmm, paused: boolean): Promise<void> {
    if (vmm.paused === paused) return;
    vmm.paused = paused;
    await this.table.keep(vmm);
  }
}

/** @throws where the driver cannot */
export function pausingDriver({ driver }: Pick<Vmm, 'driver'>): EngineDriver & Pauses {
  if (pauses(driver)) return driver;
  throw new Error(`engine ${driver.name} cannot pause a guest`);
}
