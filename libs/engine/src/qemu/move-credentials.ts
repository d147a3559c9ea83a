import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { MoveCredentials } from '../migration.js';
import type { QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import { answerTimeoutMs, migrationFailed } from './migration-state.js';

/**
 * QEMU reads certificates from a folder, and can reach none. So one of its own is opened for it, in which they lie just
 * while it reads them: no other user gets there, and it holds no key but that of its own end of this move.
 */
export const credentialsFolder = 'credentials';
export const credentialsKey = 'credentials';
const passableMode = 0o711;
const readableMode = 0o444;

const tlsId = 'move-tls';
const peerId = 'move-peer';
/** AES-GCM or ChaCha20 with forward secrecy, and nothing older. */
const priority = 'SECURE128:-VERS-ALL:+VERS-TLS1.3';

export type Endpoint = 'client' | 'server';

const fdsets = z.array(z.object({ fds: z.array(z.object({ fd: z.int(), opaque: z.string().optional() })) }));

export async function makeCredentialsFolder(vmmPath: string): Promise<void> {
  const folder = join(vmmPath, credentialsFolder);
  await mkdir(folder, { recursive: true });
  await chmod(folder, passableMode); // whatever the umask
}

/**
 * From here on the memory goes encrypted, to or from the one peer that is named; without credentials it goes in plain.
 * @throws EngineError no-answer when QEMU does not take them
 */
export async function giveCredentials(vmm: Vmm, qmp: QmpClient, at: Endpoint, given?: MoveCredentials): Promise<void> {
  await forgetCredentials(qmp);
  if (!given) return;
  const folder = join(vmm.path, credentialsFolder);
  const files = { 'ca-cert': given.authority, [`${at}-cert`]: given.certificate, [`${at}-key`]: given.key };
  const paths = Object.keys(files).map((name) => join(folder, `${name}.pem`));
  try {
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, `${name}.pem`), content, { mode: readableMode });
    }
    const tls = { dir: await folderOf(vmm, qmp), endpoint: at, 'verify-peer': true, priority };
    // Not of a peer: its own certificate would have to be of the same authority, which here signs for the peer alone.
    await add(qmp, { 'qom-type': 'tls-creds-x509', id: tlsId, ...tls, 'sanity-check': false });
  } finally {
    await Promise.all(paths.map((path) => rm(path, { force: true })));
  }
  await add(qmp, { 'qom-type': 'authz-simple', id: peerId, identity: `CN=${given.peer}` });
  const whom = at === 'client' ? { 'tls-hostname': given.peer } : { 'tls-authz': peerId };
  await qmp.execute('migrate-set-parameters', answerTimeoutMs, { 'tls-creds': tlsId, ...whom });
}

/** What a server of disks takes beside its address. */
export function exportCredentials(given: MoveCredentials | undefined): object {
  return given ? { 'tls-creds': tlsId, 'tls-authz': peerId } : {};
}

/** What a client of disks takes beside its address. */
export function mirrorCredentials(given: MoveCredentials | undefined): object {
  return given ? { 'tls-creds': tlsId, 'tls-hostname': given.peer } : {};
}

/** Whatever is written or read after this is no move, or another one. */
export async function forgetCredentials(qmp: QmpClient): Promise<void> {
  const none = { 'tls-creds': '', 'tls-hostname': '', 'tls-authz': '' };
  await qmp.execute('migrate-set-parameters', answerTimeoutMs, none);
  for (const id of [tlsId, peerId]) {
    await qmp.execute('object-del', answerTimeoutMs, { id }).catch(() => undefined); // refused where there is none
  }
}

async function add(qmp: QmpClient, object: object): Promise<void> {
  await qmp.execute('object-add', answerTimeoutMs, object);
}

/** By the number of the descriptor that QEMU was given at its start. */
async function folderOf(vmm: Vmm, qmp: QmpClient): Promise<string> {
  const sets = fdsets.parse(await qmp.execute('query-fdsets', answerTimeoutMs));
  const found = sets.flatMap(({ fds }) => fds).find(({ opaque }) => opaque === credentialsKey);
  if (found) return `/proc/self/fd/${found.fd}`;
  throw migrationFailed(vmm.handle, 'it has no folder for certificates; it was started by an older version');
}
