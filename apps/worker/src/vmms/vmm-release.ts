import type { VmmHandle } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { VmmTable } from './vmm-table.js';

/** A vmm that ended keeps its console this long; late and doubled jobs are recognised at least as long. */
export const endedKeptMs = 10 * 60_000;
const intervalMs = 30_000;

/** Whether a vmm is the last of its instance here and that one's disk waits on this node. */
type Holds = (handle: VmmHandle) => boolean;

/** Frees what ended vmms still hold on the node. Returns the way to stop. */
export function releaseEndedRegularly(table: VmmTable, holds: Holds, logger: Logger): () => void {
  const release = () => releaseEnded(table, holds, logger, performance.now() - endedKeptMs);
  const timer = setInterval(() => void release(), intervalMs);
  return () => clearInterval(timer);
}

/** What is not released is told as kept, until its instance is deleted: then the disk goes too. */
export async function releaseEnded(
  table: VmmTable,
  holds: Holds,
  logger: Logger,
  endedBeforeMs: number,
): Promise<void> {
  for (const vmm of table.all()) {
    if (vmm.endedAtMs === undefined || vmm.endedAtMs > endedBeforeMs || holds(vmm.handle)) continue;
    try {
      if (vmm.observed) await vmm.driver.release(vmm.handle);
      await table.forget(vmm);
    } catch (error) {
      logger.error({ error, vmm: vmm.handle }, 'vmm not released');
    }
  }
}
