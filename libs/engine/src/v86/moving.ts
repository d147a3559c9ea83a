import { z } from 'zod';
import { EngineError, type VmmHandle } from '../driver.js';
import type { Departure, GuestPlace, MigrationAddress, MigrationOrder, MoveCredentials } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { WakeUps } from '../vmm/wake-ups.js';

const answerTimeoutMs = 5_000;
/** A target that takes nothing for this long is given up. */
const stallLimitMs = 30_000;

const address = z.object({ host: z.string(), port: z.int() });
const departure = z.object({
  status: z.enum(['none', 'sending', 'switchover', 'released', 'left', 'failed']),
  error: z.string(),
  sentBytes: z.number(),
  totalBytes: z.number(),
});

export async function listenForGuest(vmm: Vmm, host: string, credentials?: MoveCredentials): Promise<MigrationAddress> {
  const answer = await qmpOf(vmm).execute('await-guest', answerTimeoutMs, { host, credentials });
  return address.parse(answer);
}

/**
 * Sends a guest that stands still. Resolves when all of it is in the vmm at the other end. One that fails goes on here,
 * but not once its last byte was sent: whether that came, and the guest may go on there, only the other end knows.
 */
export async function sendGuest(vmm: Vmm, order: MigrationOrder): Promise<Departure> {
  order.signal.throwIfAborted();
  const qmp = qmpOf(vmm);
  const startedAtMs = performance.now();
  let stoppedAtMs = startedAtMs;
  const unlisten = vmm.listen((event) => {
    if (event === 'STOP') stoppedAtMs = performance.now();
  });
  const wakeUps = new WakeUps(vmm);
  try {
    const { to, bandwidthBytesPerSecond: bytesPerSecond, credentials } = order;
    const where = { host: to.host, port: to.port, bytesPerSecond, credentials };
    await qmp.execute('send-guest', answerTimeoutMs, where);
    const sentBytes = await untilLeft(vmm, qmp, order, wakeUps);
    const durationMs = performance.now() - startedAtMs;
    return { method: 'stop-and-copy', sentBytes, durationMs, stoppedAtMs, encrypted: credentials !== undefined };
  } catch (error) {
    if ((await placeOf(vmm)) !== 'left') await qmp.execute('cont', answerTimeoutMs);
    throw error;
  } finally {
    wakeUps.close();
    unlisten();
  }
}

async function untilLeft(vmm: Vmm, qmp: QmpClient, order: MigrationOrder, wakeUps: WakeUps): Promise<number> {
  const startedAtMs = performance.now();
  const { limitMs = Infinity } = order.converge?.otherwise === 'stay' ? order.converge : {};
  let [isSwitched, movedAtMs, movedBytes] = [false, startedAtMs, 0];
  for (;;) {
    const { status, error, sentBytes, totalBytes } = departure.parse(await qmp.execute('query-move', answerTimeoutMs));
    if (status === 'left') return sentBytes;
    if (status === 'none' || error !== '') throw migrationFailed(vmm.handle, error);
    const nowMs = performance.now();
    const sent = { sentBytes, remainingBytes: totalBytes - sentBytes, totalBytes, passes: 1 };
    const percent = totalBytes === 0 ? 0 : Math.floor((100 * sentBytes) / totalBytes);
    const bytesPerSecond = (1000 * sentBytes) / Math.max(1, nowMs - startedAtMs);
    order.onProgress?.({ phase: 'memory', percent, ...sent, bytesPerSecond, dirtyBytesPerSecond: 0 });
    order.signal.throwIfAborted();
    if (sentBytes > movedBytes) [movedAtMs, movedBytes] = [nowMs, sentBytes];
    if (nowMs - movedAtMs > stallLimitMs) throw migrationFailed(vmm.handle, 'the target takes nothing');
    if (nowMs - startedAtMs > limitMs && !isSwitched)
      throw migrationFailed(vmm.handle, `it takes longer than ${limitMs / 1000} s`);
    if (status === 'switchover' && !isSwitched) {
      await order.beforeSwitchover?.();
      order.signal.throwIfAborted();
      await qmp.execute('switch-over', answerTimeoutMs);
      isSwitched = true;
    }
    await wakeUps.next();
  }
}

/** By the guard's own word, which is QEMU's. */
export async function placeOf(vmm: Vmm): Promise<GuestPlace> {
  const status = await qmpOf(vmm).status(answerTimeoutMs);
  if (status === 'inmigrate') return 'awaited';
  if (status === 'postmigrate') return 'left';
  if (status === 'finish-migrate') return 'leaving';
  const isIncoming = vmm.record.spec.origin?.kind === 'incoming';
  return isIncoming && !(await vmm.state.wasResumed(vmm.handle.vmmId)) ? 'arrived' : 'runs';
}

/** Lets it go on here, wherever it was on its way to. @throws EngineError migration-failed when there is none */
export async function goOn(vmm: Vmm): Promise<void> {
  const place = await placeOf(vmm);
  if (place === 'awaited') throw migrationFailed(vmm.handle, 'no guest has arrived');
  if (place === 'arrived') {
    await vmm.signs?.inherit();
    await vmm.state.noteResumed(vmm.handle.vmmId);
  }
  await qmpOf(vmm).execute('cont', answerTimeoutMs);
  void vmm.hear();
}

function migrationFailed({ vmmId }: VmmHandle, why: string): EngineError {
  return new EngineError('migration-failed', `vmm ${vmmId}: ${why}`);
}
