import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { RestOrder } from '../abilities.js';
import type { MigrationAddress } from '../migration.js';
import { qmpOf } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { freePort } from './disk-export.js';
import type { MigrationState } from './migration-state.js';
import { answerTimeoutMs, isPostcopy, migrationFailed, queryMigration } from './migration-state.js';
import { forgetCredentials } from './move-credentials.js';
import { WakeUps } from '../vmm/wake-ups.js';

/** A connection that takes nothing for this long is cut, and made anew: nothing else tells of a network that is cut. */
const stallLimitMs = 5_000;
/** The guest waits for its memory: after this long without any it is lost. */
export const restLimitMs = 30_000;
const tryAgainMs = 500;

/** Of a guest that has left: it may have written to its memory where it went. */
export async function isTorn(vmm: Vmm): Promise<boolean> {
  return isPostcopy(await queryMigration(qmpOf(vmm)));
}

/** Sends what the guest left behind, until its target has it all. Resolves to the bytes sent meanwhile. */
export async function sendRest(vmm: Vmm, order: RestOrder): Promise<number> {
  const qmp = qmpOf(vmm);
  const wakeUps = new WakeUps(vmm);
  let [movedAtMs, triedAtMs] = [performance.now(), 0];
  try {
    const before = (await queryMigration(qmp)).ram.transferred;
    for (let sentBytes = before; ;) {
      const migration = await queryMigration(qmp);
      if (migration.status === 'completed') return migration.ram.transferred - before;
      if (!isPostcopy(migration)) throw migrationFailed(vmm.handle, migration.error || `it was ${migration.status}`);
      order.signal.throwIfAborted();
      order.onProgress?.(progressOf(migration));
      const nowMs = performance.now();
      if (migration.ram.transferred > sentBytes) [sentBytes, movedAtMs] = [migration.ram.transferred, nowMs];
      const silentMs = nowMs - movedAtMs;
      if (silentMs > restLimitMs) throw migrationFailed(vmm.handle, `the rest of it was not taken: ${migration.error}`);
      if (migration.status === 'postcopy-paused' && nowMs - triedAtMs > tryAgainMs) {
        const to = await order.reconnect();
        if (to) await qmp.execute('migrate', answerTimeoutMs, { resume: true, uri: `tcp:${to.host}:${to.port}` });
        triedAtMs = performance.now();
      } else if (silentMs > stallLimitMs) {
        await cut(vmm);
      }
      await wakeUps.next();
    }
  } finally {
    wakeUps.close();
  }
}

function progressOf({ ram }: MigrationState): MigrationProgress {
  const { transferred, remaining, total, bytesPerSecond, dirtyBytesPerSecond, passes } = ram;
  const percent = total === 0 ? 0 : Math.floor((100 * (total - remaining)) / total);
  const bytes = { sentBytes: transferred, remainingBytes: remaining, totalBytes: total };
  return { phase: 'memory', percent, ...bytes, bytesPerSecond, dirtyBytesPerSecond, passes };
}

/** Resolves when all of a guest that goes on here is here. */
export async function untilWhole(vmm: Vmm, signal: AbortSignal): Promise<void> {
  const wakeUps = new WakeUps(vmm);
  let [heardAtMs, wasTorn] = [performance.now(), false];
  try {
    for (;;) {
      signal.throwIfAborted();
      // its main loop may itself wait for memory
      const status = await queryMigration(qmpOf(vmm)).then(
        (migration) => (isPostcopy(migration) ? migration.status : 'whole'),
        () => 'silent',
      );
      if (status === 'whole' && wasTorn) await forgetCredentials(qmpOf(vmm));
      if (status === 'whole' || vmm.isGone) return;
      wasTorn = true;
      if (status === 'postcopy-active') heardAtMs = performance.now();
      if (performance.now() - heardAtMs > restLimitMs) throw migrationFailed(vmm.handle, 'its memory did not all come');
      await wakeUps.next();
    }
  } finally {
    wakeUps.close();
  }
}

/** Listens on another port for what is missing, past a main loop that waits for just that. */
export async function receiveRest(vmm: Vmm, host: string): Promise<MigrationAddress> {
  const port = await freePort(host);
  const listen = () => qmpOf(vmm).executeOutOfBand('migrate-recover', answerTimeoutMs, { uri: `tcp:${host}:${port}` });
  await listen().catch(async () => {
    await cut(vmm); // it holds on to a connection that its source has given up
    await listen();
  });
  return { host, port };
}

async function cut(vmm: Vmm): Promise<void> {
  await qmpOf(vmm)
    .executeOutOfBand('migrate-pause', answerTimeoutMs)
    .catch(() => undefined); // it is already
}
