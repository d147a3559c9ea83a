import type { Departure, MigrationOrder, MigrationProgress } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { DiskMirrors, type MirrorState } from './disk-mirror.js';
import { answerTimeoutMs, isUnderWay, migrationFailed, queryMigration } from './migration-state.js';
import { forgetCredentials, giveCredentials } from './move-credentials.js';
import { setCapabilities } from './migration-target.js';
import { WakeUps } from './wake-ups.js';

/** A guest that writes faster than the network sends is stopped after this long: the move ends, with more downtime. */
export const convergeLimitMs = 60_000;
/** A target that takes nothing for this long is given up: nothing else tells of a network that is cut. */
const stallLimitMs = 30_000;
const cancelTimeoutMs = 10_000;

/** Sends the guest away. Resolves when it stands still here and QEMU at the other end has all of it. */
export async function sendGuest(vmm: Vmm, order: MigrationOrder): Promise<Departure> {
  order.signal.throwIfAborted();
  const qmp = qmpOf(vmm);
  const startedAtMs = performance.now();
  let stoppedAtMs = startedAtMs;
  const unlisten = vmm.listen((event) => {
    if (event === 'STOP') stoppedAtMs = performance.now();
  });
  const sending = new Sending(vmm, qmp, order);
  try {
    await setCapabilities(qmp, ['pause-before-switchover']);
    await giveCredentials(vmm, qmp, 'client', order.credentials);
    await qmp.execute('migrate-set-parameters', answerTimeoutMs, {
      'max-bandwidth': order.bandwidthBytesPerSecond,
      'downtime-limit': order.downtimeLimitMs,
    });
    const sentBytes = await sending.untilLeft();
    return { sentBytes, durationMs: performance.now() - startedAtMs, stoppedAtMs };
  } catch (error) {
    await keepGuest(vmm);
    throw error;
  } finally {
    sending.close();
    unlisten();
  }
}

/** The guest goes on here: what was on its way is called off. @throws EngineError no-answer when QEMU is no more */
export async function keepGuest(vmm: Vmm): Promise<void> {
  const qmp = qmpOf(vmm);
  const wakeUps = new WakeUps(vmm);
  try {
    const deadlineMs = performance.now() + cancelTimeoutMs;
    for (let asked = false; isUnderWay(await queryMigration(qmp)); asked = true) {
      if (!asked) await qmp.execute('migrate_cancel', answerTimeoutMs);
      if (performance.now() > deadlineMs) throw migrationFailed(vmm.handle, 'the move cannot be called off');
      await wakeUps.next();
    }
    await new DiskMirrors(vmm, qmp).drop();
    await forgetCredentials(qmp);
  } finally {
    wakeUps.close();
  }
  // QEMU starts it again by itself only when it was running before, and never once all was sent.
  if ((await qmp.status(answerTimeoutMs)) !== 'running') await qmp.execute('cont', answerTimeoutMs);
}

/** One guest on its way: its disks first, while it runs, then its memory. */
class Sending {
  readonly #mirrors: DiskMirrors;
  readonly #wakeUps: WakeUps;
  #disks: MirrorState = { isReady: true, doneBytes: 0, totalBytes: 0 };
  #percent = 0;
  #sentBytes = 0;
  #movedAtMs = performance.now();

  constructor(
    private readonly vmm: Vmm,
    private readonly qmp: QmpClient,
    private readonly order: MigrationOrder,
  ) {
    this.#mirrors = new DiskMirrors(vmm, qmp);
    this.#wakeUps = new WakeUps(vmm);
  }

  close(): void {
    this.#wakeUps.close();
  }

  /** Resolves to the bytes sent. */
  async untilLeft(): Promise<number> {
    const { vmm, qmp, order } = this;
    await this.#untilMirrored();
    let isStopped = order.method === 'stop-and-copy';
    if (isStopped) await qmp.execute('stop', answerTimeoutMs);
    await qmp.execute('migrate', answerTimeoutMs, { uri: `tcp:${order.to.host}:${order.to.port}` });
    const stopAtMs = performance.now() + convergeLimitMs;
    for (let isContinued = false; ;) {
      const migration = await queryMigration(qmp);
      if (migration.status === 'completed') return this.#disks.doneBytes + migration.ram.transferred;
      if (!isUnderWay(migration)) throw migrationFailed(vmm.handle, migration.error || `it was ${migration.status}`);
      this.#tell(migration.ram);
      if (migration.status === 'pre-switchover' && !isContinued) {
        await order.beforeSwitchover?.();
        order.signal.throwIfAborted();
        await this.#mirrors.finish();
        await qmp.execute('migrate-continue', answerTimeoutMs, { state: 'pre-switchover' });
        isContinued = true;
      }
      if (!isStopped && performance.now() > stopAtMs) {
        await qmp.execute('stop', answerTimeoutMs);
        isStopped = true;
      }
      await this.#wakeUps.next();
    }
  }

  async #untilMirrored(): Promise<void> {
    if (this.#mirrors.isEmpty) return;
    await this.#mirrors.begin(this.order);
    const total = this.vmm.record.spec.memoryMib * 2 ** 20;
    for (;;) {
      this.#disks = await this.#mirrors.look();
      this.#tell({ transferred: 0, remaining: total, total });
      if (this.#disks.isReady) return;
      await this.#wakeUps.next();
    }
  }

  #tell(ram: { transferred: number; remaining: number; total: number }): void {
    const { order, vmm } = this;
    const { doneBytes, totalBytes } = this.#disks;
    const remainingBytes = totalBytes - doneBytes + ram.remaining;
    const allBytes = totalBytes + ram.total;
    const done = allBytes === 0 ? 0 : Math.floor((100 * (allBytes - remainingBytes)) / allBytes);
    this.#percent = Math.max(this.#percent, done);
    const sentBytes = doneBytes + ram.transferred;
    if (sentBytes > this.#sentBytes) this.#movedAtMs = performance.now();
    this.#sentBytes = sentBytes;
    order.onProgress?.({ sentBytes, remainingBytes, percent: this.#percent } satisfies MigrationProgress);
    order.signal.throwIfAborted();
    if (performance.now() - this.#movedAtMs < stallLimitMs) return;
    throw migrationFailed(vmm.handle, `the target took nothing for ${stallLimitMs / 1000} s`);
  }
}
