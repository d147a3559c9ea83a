import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkKey, checkNode } from './check.js';
import { issue, newKey, type Identity, type Rank } from './issue.js';

/** A node and the authority of its datacenter, as they lie in a folder of the node. */
export interface NodeIdentity extends Identity {
  readonly authority: string;
}

/** As Kubernetes names them in a secret of type `kubernetes.io/tls`. */
const nodeFiles = { certificate: 'tls.crt', key: 'tls.key', authority: 'ca.crt' } as const;
const authorityFiles = { certificate: 'ca.crt', key: 'ca.key' } as const;

const dayMs = 24 * 3600 * 1000;
/** `renewed`: this long before it is over, so that somebody who looks once a week is in time. */
const validDays = { authority: 3650, node: 365, renewed: 30, clockError: 1 } as const;

/** @throws CertificateError unless it is a node of its authority, valid at `now`, and the key is its own; ENOENT */
export async function readNodeFolder(folder: string, now?: Date): Promise<NodeIdentity & { readonly name: string }> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const certificate = await read(nodeFiles.certificate);
  const [key, authority] = [await read(nodeFiles.key), await read(nodeFiles.authority)];
  const name = checkNode(certificate, authority, now);
  checkKey({ certificate, key });
  return { certificate, key, authority, name };
}

/**
 * Makes in `folder` what shows a node to be `name`, and in `authorityFolder` the authority that says so, unless both
 * are there and good for another month. Keys stay, so that who still knows an old certificate trusts the new one's
 * holder.
 */
export async function keepNodeFolder(folder: string, name: string, authorityFolder: string, now: Date): Promise<void> {
  const authority = await keepAuthority(authorityFolder, now);
  const later = addDays(now, validDays.renewed);
  const known = await readNodeFolder(folder, later).catch(() => undefined);
  if (known?.name === name && known.authority === authority.certificate) return;
  const key = await keptKey(join(folder, nodeFiles.key));
  const { certificate } = made('node', name, key, now, authority);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await write(join(folder, nodeFiles.key), key);
  await write(join(folder, nodeFiles.authority), authority.certificate);
  await write(join(folder, nodeFiles.certificate), certificate);
}

async function keepAuthority(folder: string, now: Date): Promise<Identity> {
  const [certificatePath, keyPath] = [join(folder, authorityFiles.certificate), join(folder, authorityFiles.key)];
  const key = await keptKey(keyPath);
  const certificate = await readFile(certificatePath, 'utf8').catch(() => '');
  if (vouches({ certificate, key }, addDays(now, validDays.node))) return { certificate, key };
  const next = made('authority', 'berth', key, now);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await write(keyPath, key);
  await write(certificatePath, next.certificate);
  return next;
}

/** As far as what it signs now. */
function vouches(authority: Identity, until: Date): boolean {
  try {
    checkNode(authority.certificate, authority.certificate, until);
    checkKey(authority);
    return true;
  } catch {
    return false;
  }
}

function made(rank: Exclude<Rank, 'move'>, name: string, key: string, now: Date, by?: Identity): Identity {
  const days = { from: addDays(now, -validDays.clockError), until: addDays(now, validDays[rank]) };
  return issue({ rank, name, ...days }, key, by);
}

/** A new one where there is none. */
async function keptKey(path: string): Promise<string> {
  try {
    const key = await readFile(path, 'utf8');
    createPrivateKey(key);
    return key;
  } catch {
    return newKey();
  }
}

const addDays = (to: Date, days: number): Date => new Date(to.getTime() + days * dayMs);

/** For its owner alone; a reader sees the old content or the new. */
async function write(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
