import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { growsDrives } from '@berth/engine/abilities.js';
import { EngineError } from '@berth/engine/driver.js';
import { endReport, exitDetailMaxChars } from '../report/vmm-reports.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { bytesPerGib, rootDrive } from './instance-disks.js';

/** Disks that are to be larger while their guests run. What does not work now, their next start does. */
export class GrowthProcessor {
  constructor(
    private readonly table: VmmTable,
    private readonly report: (observation: Observation) => void,
  ) {}

  grow({ vmmId, operationId, diskGib }: JobPayload<'grow-disk'>): Promise<void> {
    return this.table.inTurn(vmmId, async () => {
      const vmm = this.table.get(vmmId);
      if (!vmm?.observed || vmm.move) return; // the next inventory tells of it
      if (vmm.end) return this.report(endReport(vmm));
      const why = await growRoot(vmm, diskGib);
      if (why === undefined) this.report({ kind: 'disk-grown', operationId, ...vmm.ref });
      else this.report({ kind: 'disk-not-grown', operationId, ...vmm.ref, detail: why.slice(0, exitDetailMaxChars) });
    });
  }
}

/** Resolves to why not. */
async function growRoot({ driver, handle }: Vmm, diskGib: number): Promise<string | undefined> {
  if (!growsDrives(driver)) return `engine ${driver.name} grows no disk of a running guest`;
  try {
    await driver.growDrive(handle, rootDrive, diskGib * bytesPerGib);
    return undefined;
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  }
}
