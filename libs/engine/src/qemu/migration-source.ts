import type { Departure, MigrationOrder, MigrationProgress } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import {
  answerTimeoutMs,
  isUnderWay,
  migrationFailed,
  queryMigration,
  type MigrationState,
} from './migration-state.js';
import { setCapabilities } from './migration-target.js';

/** Without an event; also how often progress is told. */
const pollMs = 100;
/** A guest that writes faster than the network sends is stopped after this long: the move ends, with more downtime. */
export const convergeLimitMs = 60_000;
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
  try {
    await setCapabilities(qmp, order.method, ['pause-before-switchover']);
    await qmp.execute('migrate-set-parameters', answerTimeoutMs, {
      'max-bandwidth': order.bandwidthBytesPerSecond,
      'downtime-limit': order.downtimeLimitMs,
    });
    if (order.method === 'stop-and-copy') await qmp.execute('stop', answerTimeoutMs);
    await qmp.execute('migrate', answerTimeoutMs, { uri: `tcp:${order.to.host}:${order.to.port}` });
    const sentBytes = await untilLeft(vmm, qmp, order);
    return { sentBytes, durationMs: performance.now() - startedAtMs, stoppedAtMs };
  } catch (error) {
    await keepGuest(vmm);
    throw error;
  } finally {
    unlisten();
  }
}

/** The guest goes on here: what was on its way is called off. @throws EngineError no-answer when QEMU is no more */
export async function keepGuest(vmm: Vmm): Promise<void> {
  const qmp = qmpOf(vmm);
  const deadlineMs = performance.now() + cancelTimeoutMs;
  for (let asked = false; isUnderWay(await queryMigration(qmp)); asked = true) {
    if (!asked) await qmp.execute('migrate_cancel', answerTimeoutMs);
    if (performance.now() > deadlineMs) throw migrationFailed(vmm.handle, 'the move cannot be called off');
    await nextEvent(vmm);
  }
  // QEMU starts it again by itself only when it was running before, and never once all was sent.
  if ((await qmp.status(answerTimeoutMs)) !== 'running') await qmp.execute('cont', answerTimeoutMs);
}

async function untilLeft(vmm: Vmm, qmp: QmpClient, order: MigrationOrder): Promise<number> {
  const stopAtMs = performance.now() + convergeLimitMs;
  let [isContinued, isStopped, percent] = [false, order.method === 'stop-and-copy', 0];
  for (;;) {
    const migration = await queryMigration(qmp);
    if (migration.status === 'completed') return migration.ram.transferred;
    if (!isUnderWay(migration))
      throw migrationFailed(vmm.handle, migration.error || `the move was ${migration.status}`);
    const progress = progressOf(migration, percent);
    percent = progress.percent;
    order.onProgress?.(progress);
    order.signal.throwIfAborted();
    if (migration.status === 'pre-switchover' && !isContinued) {
      await order.beforeSwitchover?.();
      order.signal.throwIfAborted();
      await qmp.execute('migrate-continue', answerTimeoutMs, { state: 'pre-switchover' });
      isContinued = true;
    }
    if (!isStopped && performance.now() > stopAtMs) {
      await qmp.execute('stop', answerTimeoutMs);
      isStopped = true;
    }
    await nextEvent(vmm);
  }
}

function progressOf({ ram }: MigrationState, before: number): MigrationProgress {
  const done = ram.total === 0 ? 0 : Math.floor((100 * (ram.total - ram.remaining)) / ram.total);
  return { sentBytes: ram.transferred, remainingBytes: ram.remaining, percent: Math.max(before, done) };
}

async function nextEvent(vmm: Vmm): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      unlisten();
      resolve();
    };
    const timer = setTimeout(wake, pollMs);
    const unlisten = vmm.listen(wake);
  });
}
