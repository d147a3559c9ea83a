import type { MigrationAddress, MoveCredentials } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Exports } from '../vmm/record.js';
import type { Vmm } from '../vmm/vmm.js';
import { exportDrives, movingDrives, stopExports } from './disk-export.js';
import { hasLentMemory } from './memory-sharing.js';
import { giveCredentials } from './move-credentials.js';
import { answerTimeoutMs, migrationFailed, queryMigration } from './migration-state.js';

/**
 * `return-path`: the source has completed only when the target says that it has loaded everything. `events`: nobody has
 * to poll at the moment that counts.
 */
export async function setCapabilities(
  qmp: QmpClient,
  more: readonly string[],
  others: Readonly<Record<string, boolean>> = {},
): Promise<void> {
  const wanted = ['events', 'return-path', ...more].map((capability) => [capability, true]);
  // a state that was saved or loaded before, or an earlier move, may have asked for them
  const all = { 'x-ignore-shared': false, 'postcopy-ram': false, ...Object.fromEntries(wanted), ...others };
  const capabilities = Object.entries(all).map(([capability, state]) => ({ capability, state }));
  await qmp.execute('migrate-set-capabilities', answerTimeoutMs, { capabilities });
}

/** Listens on a port that the kernel picks, and on another one for the disks. */
export async function listenForGuest(vmm: Vmm, host: string, credentials?: MoveCredentials): Promise<MigrationAddress> {
  const qmp = qmpOf(vmm);
  const { vmmId } = vmm.handle;
  const before = await addressOf(qmp);
  if (before) return { ...before, ...(await vmm.state.readExports(vmmId)) };
  if ((await qmp.status(answerTimeoutMs)) !== 'inmigrate') throw migrationFailed(vmm.handle, 'it waits for no guest');
  // the disks are of those who export them until the guest goes on
  const wanted = ['late-block-activate', ...(hasLentMemory(vmm) ? ['x-ignore-shared'] : [])];
  await setCapabilities(qmp, wanted);
  await giveCredentials(vmm, qmp, 'server', credentials);
  const hasDisks = movingDrives(vmm.record.spec).length > 0;
  const disks = hasDisks ? { diskPort: await exportDrives(vmm, qmp, host, credentials) } : {};
  const ways = { ...disks, ...(await waysOfMemory(vmm, qmp)) };
  await vmm.state.writeExports(vmmId, ways);
  await qmp.execute('migrate-incoming', answerTimeoutMs, { uri: `tcp:${host}:0` });
  const address = await addressOf(qmp);
  if (address) return { ...address, ...ways };
  throw migrationFailed(vmm.handle, 'QEMU does not say where it listens');
}

async function waysOfMemory(vmm: Vmm, qmp: QmpClient): Promise<Exports> {
  if (hasLentMemory(vmm)) return { sharesMemory: true };
  return (await servesFaults(vmm, qmp)) ? { postcopy: true } : {};
}

/** QEMU tries it when it is told to: whether this very vmm, as it is shut in, may serve its own page faults. */
async function servesFaults({ record }: Vmm, qmp: QmpClient): Promise<boolean> {
  const { origin } = record.spec;
  if (origin?.kind !== 'incoming' || !origin.postcopy) return false;
  return setCapabilities(qmp, ['late-block-activate', 'postcopy-ram']).then(
    () => true,
    () => false,
  );
}

/** What has to be so before a guest that has arrived goes on here. */
export async function welcomeGuest(vmm: Vmm): Promise<void> {
  if (movingDrives(vmm.record.spec).length > 0) await stopExports(qmpOf(vmm));
  await vmm.signs?.inherit();
  await vmm.state.noteResumed(vmm.handle.vmmId);
  await vmm.lending.end();
}

async function addressOf(qmp: QmpClient): Promise<MigrationAddress | undefined> {
  const [address] = (await queryMigration(qmp)).addresses;
  return address && { host: address.host, port: address.port };
}
