import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { saves } from '@berth/engine/abilities.js';
import { EngineError, runsGuestCommands } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { InstanceDisks } from '../disks/instance-disks.js';
import { endReport, problemDetailMaxChars } from '../report/vmm-reports.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { diskIn, stateIn, type SnapshotStore } from './snapshot-store.js';

type Job = JobPayload<'snapshot-instance'>;

const flushMaxMs = 10_000;

export interface SnapshotParts {
  readonly table: VmmTable;
  readonly store: SnapshotStore;
  readonly disks: InstanceDisks;
  readonly report: (observation: Observation) => void;
  readonly logger: Logger;
}

/** Guests kept as they are at one instant. Whatever comes of it, they go on. */
export class SnapshotProcessor {
  constructor(private readonly parts: SnapshotParts) {}

  take(job: Job): Promise<void> {
    const { table, store, report, logger } = this.parts;
    return table.inTurn(job.vmmId, async () => {
      const vmm = table.get(job.vmmId);
      if (!vmm?.observed || vmm.move) return; // the next inventory tells of it
      if (vmm.end) return report(endReport(vmm));
      const { operationId, snapshotId } = job;
      const about = { operationId, snapshotId, ...vmm.ref };
      try {
        const begunAtMs = performance.now();
        const sizeBytes = store.has(snapshotId) ? await store.size(snapshotId) : await this.write(vmm, job);
        const pausedMs = Math.round(performance.now() - begunAtMs);
        report({ kind: 'snapshot-taken', ...about, sizeBytes, pausedMs });
      } catch (error) {
        logger.warn({ error, vmm: vmm.handle, snapshotId }, 'no snapshot taken');
        report({ kind: 'snapshot-failed', ...about, problem: problemOf(error) });
      }
    });
  }

  async remove({ snapshotId }: JobPayload<'remove-snapshot'>): Promise<void> {
    await this.parts.store.remove(snapshotId);
  }

  private async write(vmm: Vmm, { snapshotId, isDiskOnly = false }: Job): Promise<number> {
    const { store, disks } = this.parts;
    const { driver, handle } = vmm;
    if (!saves(driver)) throw new EngineError('no-answer', `engine ${driver.name} cannot keep the memory of a guest`);
    if (isDiskOnly) await flush(vmm);
    return store.make(snapshotId, async (folder) => {
      try {
        if (isDiskOnly) await driver.pause(handle);
        else await driver.save(handle, stateIn(folder));
        await disks.copyTo(handle.instanceId, diskIn(folder));
      } finally {
        await driver.resume(handle);
      }
    });
  }
}

/** What the guest has written and holds back still is to be on the disk: as far as its agent can see to that. */
async function flush({ driver, handle, order }: Vmm): Promise<void> {
  if (order?.image.ready !== 'agent' || !runsGuestCommands(driver)) return;
  await driver.exec(handle, 'sync', AbortSignal.timeout(flushMaxMs)).catch(() => undefined);
}

function problemOf(error: unknown): { code: 'snapshot-failed'; detail: string; next?: string } {
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, problemDetailMaxChars);
  const isFull = error instanceof EngineError && error.code === 'node-disk-full';
  return { code: 'snapshot-failed', detail, ...(isFull && { next: 'delete snapshots, or make room on the node' }) };
}
