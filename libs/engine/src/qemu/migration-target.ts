import type { MigrationAddress, MigrationMethod } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { answerTimeoutMs, migrationFailed, queryMigration } from './migration-state.js';

/**
 * `return-path`: the source has completed only when the target says that it has loaded everything. `events`: nobody has
 * to poll at the moment that counts.
 */
export async function setCapabilities(qmp: QmpClient, method: MigrationMethod, more: readonly string[]): Promise<void> {
  const wanted = ['events', 'return-path', ...more].map((capability) => ({ capability, state: true }));
  const capabilities = [...wanted, { capability: 'x-ignore-shared', state: method === 'shared-memory' }];
  await qmp.execute('migrate-set-capabilities', answerTimeoutMs, { capabilities });
}

/** Listens on a port that the kernel picks. */
export async function listenForGuest(vmm: Vmm, host: string, method: MigrationMethod): Promise<MigrationAddress> {
  const qmp = qmpOf(vmm);
  const before = await addressOf(qmp);
  if (before) return before;
  if ((await qmp.status(answerTimeoutMs)) !== 'inmigrate') throw migrationFailed(vmm.handle, 'it waits for no guest');
  await setCapabilities(qmp, method, []);
  await qmp.execute('migrate-incoming', answerTimeoutMs, { uri: `tcp:${host}:0` });
  const address = await addressOf(qmp);
  if (address) return address;
  throw migrationFailed(vmm.handle, 'QEMU does not say where it listens');
}

async function addressOf(qmp: QmpClient): Promise<MigrationAddress | undefined> {
  const [address] = (await queryMigration(qmp)).addresses;
  return address && { host: address.host, port: address.port };
}
