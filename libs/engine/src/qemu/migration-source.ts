import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { Departure, MigrationOrder } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { Convergence } from './convergence.js';
import { DiskMirrors, type MirrorState } from './disk-mirror.js';
import type { EngineError, VmmHandle } from '../driver.js';
import {
  answerTimeoutMs,
  isPostcopy,
  isUnderWay,
  migrationFailed,
  nothingSent,
  queryMigration,
} from './migration-state.js';
import type { MigrationState } from './migration-state.js';
import { lendMemory, sealMemory } from './memory-sharing.js';
import { forgetCredentials, giveCredentials } from './move-credentials.js';
import { setCapabilities } from './migration-target.js';
import { WakeUps } from '../vmm/wake-ups.js';

/** A guest that writes faster than the network sends. */
const convergeDefault = { limitMs: 60_000, otherwise: 'stop' } as const;
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
  const shares = order.method === 'shared-memory';
  if (shares !== (order.to.sharesMemory === true)) throw migrationFailed(vmm.handle, 'its ends do not agree on memory');
  try {
    await setCapabilities(qmp, ['pause-before-switchover'], {
      'auto-converge': order.autoConverge === true,
      'postcopy-ram': !shares && order.converge?.otherwise === 'postcopy',
      'x-ignore-shared': shares,
    });
    await giveCredentials(vmm, qmp, 'client', order.credentials);
    await qmp.execute('migrate-set-parameters', answerTimeoutMs, {
      'max-bandwidth': order.bandwidthBytesPerSecond,
      'downtime-limit': order.downtimeLimitMs,
      'max-postcopy-bandwidth': order.bandwidthBytesPerSecond,
    });
    const left = { ...(await sending.untilLeft()), encrypted: order.credentials !== undefined };
    if (shares) await sealMemory(vmm);
    return { ...left, durationMs: performance.now() - startedAtMs, stoppedAtMs };
  } catch (error) {
    await keepGuest(vmm);
    throw error;
  } finally {
    sending.close();
    unlisten();
  }
}

/**
 * The guest goes on here: what was on its way is called off.
 * @throws EngineError no-answer when QEMU is no more
 */
export async function keepGuest(vmm: Vmm): Promise<void> {
  const qmp = qmpOf(vmm);
  const wakeUps = new WakeUps(vmm);
  let isTorn = false;
  try {
    const deadlineMs = performance.now() + cancelTimeoutMs;
    for (let asked = false; ; asked = true) {
      const migration = await queryMigration(qmp);
      isTorn = isPostcopy(migration);
      if (isTorn || !isUnderWay(migration)) break;
      if (!asked) await qmp.execute('migrate_cancel', answerTimeoutMs);
      if (performance.now() > deadlineMs) throw migrationFailed(vmm.handle, 'the move cannot be called off');
      await wakeUps.next();
    }
    await new DiskMirrors(vmm, qmp).drop();
    if (!isTorn) await forgetCredentials(qmp); // by them the rest comes
  } finally {
    wakeUps.close();
  }
  // QEMU starts it again by itself only when it was running before, and never once all was sent.
  if ((await qmp.status(answerTimeoutMs)) !== 'running') await qmp.execute('cont', answerTimeoutMs);
  await vmm.lending.end();
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

  async untilLeft(): Promise<Pick<Departure, 'sentBytes' | 'method'>> {
    const { vmm, qmp, order } = this;
    await this.#untilMirrored();
    const shares = order.method === 'shared-memory';
    if (shares) await lendMemory(vmm);
    let isStopped = order.method === 'stop-and-copy';
    if (isStopped) await qmp.execute('stop', answerTimeoutMs);
    await qmp.execute('migrate', answerTimeoutMs, { uri: `tcp:${order.to.host}:${order.to.port}` });
    const { limitMs, otherwise } = shares ? convergeDefault : (order.converge ?? convergeDefault);
    const stopAtMs = performance.now() + limitMs;
    const convergence = new Convergence();
    for (let isContinued = false; ;) {
      const migration = await queryMigration(qmp);
      const { status, ram } = migration;
      if (status === 'completed' || isPostcopy(migration)) return this.#left(migration);
      if (!isUnderWay(migration)) throw migrationFailed(vmm.handle, migration.error || `it was ${status}`);
      this.#tell('memory', ram);
      if (status === 'pre-switchover' && !isContinued) {
        await order.beforeSwitchover?.();
        order.signal.throwIfAborted();
        await this.#mirrors.finish();
        await qmp.execute('migrate-continue', answerTimeoutMs, { state: 'pre-switchover' });
        isContinued = true;
      }
      // one that is slowed down is given the time
      const isInVain = otherwise === 'postcopy' && !order.autoConverge && !convergence.goesOn(ram);
      if (!isStopped && !isContinued && (isInVain || performance.now() > stopAtMs)) {
        if (otherwise === 'stay') throw notConverged(vmm.handle, limitMs, ram);
        await qmp.execute(otherwise === 'postcopy' ? 'migrate-start-postcopy' : 'stop', answerTimeoutMs);
        isStopped = true;
      }
      await this.#wakeUps.next();
    }
  }

  #left(migration: MigrationState): Pick<Departure, 'sentBytes' | 'method'> {
    const method = isPostcopy(migration) ? 'postcopy' : this.order.method;
    return { method, sentBytes: this.#disks.doneBytes + migration.ram.transferred };
  }

  async #untilMirrored(): Promise<void> {
    if (this.#mirrors.isEmpty) return;
    await this.#mirrors.begin(this.order);
    const total = this.vmm.record.spec.memoryMib * 2 ** 20;
    const startedAtMs = performance.now();
    for (;;) {
      this.#disks = await this.#mirrors.look();
      const bytesPerSecond = (1000 * this.#disks.doneBytes) / Math.max(1, performance.now() - startedAtMs);
      this.#tell('disks', { ...nothingSent, remaining: total, total, bytesPerSecond });
      if (this.#disks.isReady) return;
      await this.#wakeUps.next();
    }
  }

  #tell(phase: MigrationProgress['phase'], ram: MigrationState['ram']): void {
    const { order, vmm } = this;
    const { doneBytes, totalBytes } = this.#disks;
    const remainingBytes = totalBytes - doneBytes + ram.remaining;
    const allBytes = totalBytes + ram.total;
    const done = allBytes === 0 ? 0 : Math.floor((100 * (allBytes - remainingBytes)) / allBytes);
    this.#percent = Math.max(this.#percent, done);
    const sentBytes = doneBytes + ram.transferred;
    if (sentBytes > this.#sentBytes) this.#movedAtMs = performance.now();
    this.#sentBytes = sentBytes;
    const { bytesPerSecond, dirtyBytesPerSecond, passes } = ram;
    const rates = { bytesPerSecond, dirtyBytesPerSecond, passes };
    order.onProgress?.({ phase, sentBytes, remainingBytes, totalBytes: allBytes, percent: this.#percent, ...rates });
    order.signal.throwIfAborted();
    if (performance.now() - this.#movedAtMs < stallLimitMs) return;
    throw migrationFailed(vmm.handle, `the target took nothing for ${stallLimitMs / 1000} s`);
  }
}

function notConverged(handle: VmmHandle, limitMs: number, ram: MigrationState['ram']): EngineError {
  const [writes, sent] = [ram.dirtyBytesPerSecond, ram.bytesPerSecond].map((bytes) => `${mibOf(bytes)} MiB/s`);
  return migrationFailed(handle, `after ${limitMs / 1000} s the guest still writes ${writes}, and ${sent} are sent`);
}

function mibOf(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
