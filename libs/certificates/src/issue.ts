import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import {
  bits,
  implicit,
  integer,
  isTrue,
  membersOf,
  objectId,
  octets,
  sequence,
  setOf,
  tagged,
  text,
  time,
} from './der.js';
import type { Der } from './der.js';

/** A certificate and the key it is about, as PEM. Who holds the key of one that may sign can make others below it. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * authority: of the datacenter; signs nodes. node: signs what acts for it in one move. move: one end of one live
 * migration.
 */
export type Rank = 'authority' | 'node' | 'move';

export interface Subject {
  readonly rank: Rank;
  /** A name of DNS: of the node, or the id of the vmm. */
  readonly name: string;
  readonly from: Date;
  readonly until: Date;
}

const ids = {
  commonName: '550403',
  ecdsaWithSha256: '2a8648ce3d040302',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAltName: '551d11',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
} as const;
const keyUsages = { sign: bits(Buffer.of(0x80), 7), signCertificates: bits(Buffer.of(0x06), 1) } as const;
/** Neither zero, which DER writes without, nor negative. */
const serialFirstByte = 0x40;
/** Members of a certificate's body, its version among them. */
const subjectMember = 5;

/** Of the curve P-256, PKCS #8. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * A certificate for the key, signed by `by`, or by itself: X.509 version 3 as in RFC 5280, without key identifiers, for
 * there is never more than one that may have signed it.
 * @throws when the issuer's key is not of an elliptic curve
 */
export function issue(subject: Subject, key: string, by?: Identity): Identity {
  const signingKey = createPrivateKey(by?.key ?? key);
  if (signingKey.asymmetricKeyType !== 'ec') throw new Error('only keys of elliptic curves sign certificates here');
  const name = distinguished(subject.name);
  const algorithm = sequence(objectId(ids.ecdsaWithSha256));
  const body = sequence(
    tagged(0, integer(Buffer.of(2))),
    integer(Buffer.of(serialFirstByte, ...randomBytes(15))),
    algorithm,
    by ? subjectOf(by.certificate) : name,
    sequence(time(subject.from), time(subject.until)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensionsOf(subject))),
  );
  const der = sequence(body, algorithm, bits(sign('sha256', body, signingKey)));
  return { certificate: new X509Certificate(der).toString(), key };
}

const distinguished = (name: string): Der => sequence(setOf(sequence(objectId(ids.commonName), text(name))));

function extensionsOf({ rank, name }: Subject): Der[] {
  if (rank === 'move') {
    return [
      extension(ids.keyUsage, keyUsages.sign, true),
      extension(ids.extendedKeyUsage, sequence(objectId(ids.serverAuth), objectId(ids.clientAuth))),
      extension(ids.subjectAltName, sequence(implicit(2, name))),
    ];
  }
  const below = rank === 'node' ? [integer(Buffer.of(0))] : [];
  return [
    extension(ids.basicConstraints, sequence(isTrue, ...below), true),
    extension(ids.keyUsage, keyUsages.signCertificates, true),
  ];
}

function extension(id: string, value: Der, isCritical = false): Der {
  return sequence(objectId(id), ...(isCritical ? [isTrue] : []), octets(value));
}

/** Byte for byte as it stands there: whoever checks a signature compares names so. */
function subjectOf(certificate: string): Der {
  const [body] = membersOf(new X509Certificate(certificate).raw);
  const subject = body && membersOf(body)[subjectMember];
  if (!subject) throw new Error('the certificate has no subject');
  return subject;
}
