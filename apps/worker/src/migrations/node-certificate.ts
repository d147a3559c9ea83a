import { isIPv4 } from 'node:net';
import { checkNode, expiryOf } from '@berth/certificates/check.js';
import { issue, newKey } from '@berth/certificates/issue.js';
import { readNodeFolder, type NodeIdentity } from '@berth/certificates/node-folder.js';
import type { NodeRegistration } from '@berth/contracts/observation.js';
import type { MoveCredentials } from '@berth/engine/migration.js';

const setting = 'BERTH_TLS_DIR';
/** A key is good for one move only; its certificate for so long that no node's clock can be too wrong for it. */
const dayMs = 24 * 3600 * 1000;
const readAgainMs = 10_000;

/** The other end of a move: its vmm, and the certificate of its node, if that has one. */
interface MovePeer {
  readonly vmmId: string;
  readonly certificate?: string | null | undefined;
}

/** What of a guest may go unencrypted: nothing; to a vmm of the machine, of nodes without certificates; anything. */
export const plainMoves = ['never', 'own-machine', 'allowed'] as const;

export interface CertificateOptions {
  /** Holds ca.crt, tls.crt and tls.key; undefined: the node has no certificate. */
  readonly folder: string | undefined;
  readonly nodeName: string;
  readonly plain: (typeof plainMoves)[number];
  /** Others have to be told. */
  readonly onRenewed: () => void;
}

/** Who this worker's node is to others. It signs for each end of a move, so that no vmm ever holds its key. */
export class NodeCertificate {
  private identity: NodeIdentity | undefined;
  private reading: Promise<NodeIdentity | undefined> = Promise.resolve(undefined);

  constructor(private readonly options: CertificateOptions) {}

  /** For others to know this node by; null: it has none. */
  get shown(): NodeRegistration['certificate'] {
    const pem = this.identity?.certificate;
    return pem === undefined ? null : { pem, expiresAt: expiryOf(pem).toISOString() };
  }

  /** One that is over is read as well: it stops moves, not the node. @throws when it is not this node's */
  read(): Promise<NodeIdentity | undefined> {
    this.reading = this.reading.catch(() => undefined).then(() => this.readNow()); // none overtakes a later one
    return this.reading;
  }

  /** Resolves to the way to end that: a certificate that is renewed is known to others before a guest moves. */
  readAgain(onFailure: (error: unknown) => void): () => void {
    const timer = setInterval(() => void this.read().catch(onFailure), readAgainMs);
    return () => clearInterval(timer);
  }

  /**
   * For one end of one move to or from `host`. Undefined: it may go unencrypted.
   * @throws when it may not, or when one of the two nodes is not to be trusted
   */
  async credentialsFor(vmmId: string, peer: MovePeer, host: string): Promise<MoveCredentials | undefined> {
    const identity = await this.read();
    if (!identity || !peer.certificate) return this.checkPlain(peer, host);
    const now = new Date();
    await named(() => checkNode(identity.certificate, identity.authority, now));
    checkNode(peer.certificate, identity.authority, now);
    const from = new Date(now.getTime() - dayMs);
    const until = new Date(now.getTime() + dayMs);
    const { certificate, key } = issue({ rank: 'move', name: vmmId, from, until }, newKey(), identity);
    return { certificate, key, authority: peer.certificate, peer: peer.vmmId };
  }

  private async readNow(): Promise<NodeIdentity | undefined> {
    const { folder, onRenewed } = this.options;
    if (folder === undefined) return undefined;
    const found = await named(async () => this.checked(await readNodeFolder(folder)));
    const before = this.identity;
    this.identity = found;
    if (before && before.certificate !== found.certificate) onRenewed();
    return found;
  }

  /** @throws when anyone on the way could read it */
  private checkPlain({ certificate }: MovePeer, host: string): undefined {
    const { plain } = this.options;
    if (plain === 'allowed') return undefined;
    if (plain === 'own-machine' && !this.identity && !certificate && isOwn(host)) return undefined;
    if (this.identity)
      throw new Error(`a guest moves encrypted only, and the other node has no certificate: set ${setting} there`);
    throw new Error(`a guest goes to ${host} encrypted only, and this node has no certificate: set ${setting}`);
  }

  private checked(found: NodeIdentity & { readonly name: string }): NodeIdentity {
    const { nodeName } = this.options;
    if (found.name === nodeName) return found;
    throw new Error(`the certificate is of ${found.name}, this node is ${nodeName}`);
  }
}

/** Says of an error where to mend it. */
async function named<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Error(`${setting}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** An address that is of the machine itself, whichever that is. */
function isOwn(host: string): boolean {
  return host === '::1' || host === 'localhost' || (isIPv4(host) && host.startsWith('127.'));
}
