import { expiryOf } from '@berth/certificates/check.js';
import { keepNodeFolder, readNodeFolder } from '@berth/certificates/node-folder.js';
import { name as nodeName } from '@berth/contracts/primitives.js';
import { resolve } from 'node:path';
import type { Invocation } from '../commands/invocation.js';
import { CliError } from '../output/failure.js';

export interface CertificateFlags {
  readonly authority: string;
  readonly output: string;
}

/** Makes or renews the folder of a node for BERTH_TLS_DIR. Needs no datacenter, but the folder of its authority. */
export async function makeNodeCertificate(
  invocation: Invocation,
  name: string,
  flags: CertificateFlags,
): Promise<void> {
  if (!nodeName.safeParse(name).success) {
    throw new CliError(`${name} is no name of a node`, { next: 'lower-case letters, digits and -, 63 at most' });
  }
  const [folder, authority] = [resolve(flags.output), resolve(flags.authority)];
  await keepNodeFolder(folder, name, authority, new Date());
  const { certificate } = await readNodeFolder(folder, new Date());
  invocation.tell(
    `${folder}: ${name}, valid until ${expiryOf(certificate).toISOString()}; keep ${authority} to yourself`,
  );
}
