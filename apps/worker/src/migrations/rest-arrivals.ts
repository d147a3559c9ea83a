import { sendsRest } from '@berth/engine/abilities.js';
import type { MigrationAddress } from '@berth/engine/migration.js';
import type { Logger } from '@berth/observability/logger.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';
import type { Vmm } from '../vmms/vmm.js';
import { endedStatusOf, statusOf } from './target-status.js';

interface RestParts {
  readonly table: VmmTable;
  readonly watcher: VmmWatcher;
  /** Address at which guests arrive. */
  readonly host: string;
  readonly logger: Logger;
}

/** An HTTP status, and where the rest is taken now. */
export interface RestAnswer {
  readonly status: number;
  readonly address?: MigrationAddress;
}

/** The receiving end of postcopy: guests that run here and whose memory is not all here yet. */
export class RestArrivals {
  private readonly watched = new Set<string>();
  private readonly closing = new AbortController();

  constructor(private readonly parts: RestParts) {}

  /** Ends the guest when the rest does not come: it stands still wherever it needs it, and cannot go on elsewhere. */
  watch(vmm: Vmm): void {
    const { driver, handle } = vmm;
    if (!sendsRest(driver) || this.watched.has(handle.vmmId)) return;
    this.watched.add(handle.vmmId);
    driver
      .untilWhole(handle, this.closing.signal)
      .catch((error: unknown) => this.giveUp(vmm, error))
      .catch((error: unknown) => this.parts.logger.error({ error, vmm: handle }, 'a guest without its memory goes on'))
      .finally(() => this.watched.delete(handle.vmmId));
  }

  /** After a restart. */
  takeUp(): void {
    for (const vmm of this.parts.table.all()) {
      if (!vmm.end && vmm.observed?.origin === 'incoming' && vmm.move?.role !== 'source') this.watch(vmm);
    }
  }

  /** Told by the source's worker that its connection broke. */
  async receive(vmmId: string): Promise<RestAnswer> {
    const { table, host } = this.parts;
    const vmm = table.get(vmmId);
    if (!vmm) return { status: statusOf.unknown };
    if (vmm.end) return { status: endedStatusOf(vmm.end) };
    if (!sendsRest(vmm.driver)) return { status: statusOf.notYet };
    const address = await vmm.driver.receiveRest(vmm.handle, host).catch(() => undefined);
    return address ? { status: statusOf.runs, address } : { status: statusOf.notYet };
  }

  close(): void {
    this.closing.abort();
  }

  private async giveUp({ driver, handle }: Vmm, error: unknown): Promise<void> {
    const { watcher, logger } = this.parts;
    if (this.closing.signal.aborted) return;
    logger.warn({ error, vmm: handle }, 'the rest of a guest does not come');
    await driver.kill(handle, 'lost');
    watcher.observe(await driver.inspect(handle));
  }
}
