import type { Logger } from '@berth/observability/logger.js';
import type { VmmTable } from './vmm-table.js';

/** A vmm that ended keeps its console this long; late and doubled jobs are recognised at least as long. */
export const endedKeptMs = 10 * 60_000;
const intervalMs = 30_000;

/** Frees what ended vmms still hold on the node. Returns the way to stop. */
export function releaseEndedRegularly(table: VmmTable, logger: Logger): () => void {
  const timer = setInterval(() => void releaseEnded(table, logger, performance.now() - endedKeptMs), intervalMs);
  return () => clearInterval(timer);
}

export async function releaseEnded(table: VmmTable, logger: Logger, endedBeforeMs: number): Promise<void> {
  for (const vmm of table.all()) {
    if (vmm.endedAtMs === undefined || vmm.endedAtMs > endedBeforeMs) continue;
    try {
      if (vmm.observed) await vmm.driver.release(vmm.handle);
      await table.forget(vmm);
    } catch (error) {
      logger.error({ error, vmm: vmm.handle }, 'vmm not released');
    }
  }
}
