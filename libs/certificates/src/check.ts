import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Identity } from './issue.js';

/** Thrown for one that is not to be trusted; the message says why. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/**
 * A node of the datacenter: signed by its authority, allowed to sign, and valid at `now`, if that is asked. Resolves to
 * its name.
 * @throws CertificateError
 */
export function checkNode(certificate: string, authority: string, now?: Date): string {
  const [node, signer] = [parse(certificate), parse(authority)];
  const name = nameOf(node);
  for (const one of [node, signer]) {
    if (now) checkTime(one, now);
    if (!one.ca) throw new CertificateError(`the certificate ${nameOf(one)} may not sign others`);
  }
  if (!node.checkIssued(signer) || !node.verify(signer.publicKey)) {
    throw new CertificateError(`the certificate ${name} is not signed by ${nameOf(signer)}`);
  }
  return name;
}

/** @throws CertificateError unless the key is the certificate's */
export function checkKey({ certificate, key }: Identity): void {
  const node = parse(certificate);
  if (node.checkPrivateKey(createPrivateKey(key))) return;
  throw new CertificateError(`the key is not that of the certificate ${nameOf(node)}`);
}

export function expiryOf(certificate: string): Date {
  return new Date(parse(certificate).validTo);
}

function checkTime(one: X509Certificate, now: Date): void {
  if (now >= new Date(one.validTo)) throw new CertificateError(`the certificate ${nameOf(one)} expired ${one.validTo}`);
  if (now < new Date(one.validFrom)) {
    throw new CertificateError(`the certificate ${nameOf(one)} is not valid before ${one.validFrom}`);
  }
}

function parse(certificate: string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (cause) {
    throw new CertificateError('it is no certificate in PEM', { cause });
  }
}

/** The common name; all of the subject when there is none. */
function nameOf({ subject }: X509Certificate): string {
  return /^CN=(.+)$/m.exec(subject)?.[1] ?? subject;
}
