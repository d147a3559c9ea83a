import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { saves } from '@berth/engine/abilities.js';
import { endReport } from '../report/vmm-reports.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';
import type { SavedGuests } from './saved-guests.js';

export interface SuspendParts {
  readonly table: VmmTable;
  readonly watcher: VmmWatcher;
  readonly saved: SavedGuests;
  readonly report: (observation: Observation) => void;
}

/** Guests that are kept as files, and end as vmms. Where the one does not work, the other is left undone. */
export class SuspendProcessor {
  constructor(private readonly parts: SuspendParts) {}

  suspend({ vmmId, operationId }: JobPayload<'suspend-instance'>): Promise<void> {
    const { table, watcher, report } = this.parts;
    return table.inTurn(vmmId, async () => {
      const vmm = table.get(vmmId);
      if (!vmm?.observed || vmm.move) return; // its node's next inventory tells
      vmm.operationId = operationId;
      if (vmm.end) return report(endReport(vmm));
      const why = await this.save(vmm);
      if (why !== undefined) return report({ kind: 'suspend-failed', operationId, ...vmm.ref, detail: why });
      await vmm.driver.kill(vmm.handle, 'suspended');
      watcher.observe(await vmm.driver.inspect(vmm.handle));
    });
  }

  /** Resolves to why it could not be saved; then it goes on, unless it stood still before. */
  private async save({ driver, handle, paused }: Vmm): Promise<string | undefined> {
    const machine = saves(driver) ? await driver.machineOf(handle) : undefined;
    if (!saves(driver) || machine === undefined) return `engine ${driver.name} cannot save a guest here`;
    try {
      await this.parts.saved.keep(handle.instanceId, machine, (statePath) => driver.save(handle, statePath));
      return undefined;
    } catch (error) {
      if (!paused) await driver.resume(handle);
      return (error instanceof Error ? error.message : String(error)).slice(0, 500);
    }
  }
}
