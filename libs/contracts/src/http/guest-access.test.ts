import { userDataMaxBytes } from '@berth/domain/limits.js';
import { expect, test } from 'vitest';
import { guestPorts, sshKey, userData } from './guest-access.js';

const blobOf = (type: string): string =>
  Buffer.concat([Buffer.from([0, 0, 0, type.length]), Buffer.from(type), Buffer.alloc(36, 7)]).toString('base64');
const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown): boolean =>
  schema.safeParse(value).success;

test('a public key is taken with and without a comment', () => {
  for (const type of ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'sk-ssh-ed25519@openssh.com']) {
    expect(accepts(sshKey, `${type} ${blobOf(type)}`)).toBe(true);
    expect(accepts(sshKey, `${type} ${blobOf(type)} me@home, laptop`)).toBe(true);
  }
});

test.each([
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['two keys', `ssh-rsa ${blobOf('ssh-rsa')}\nssh-rsa ${blobOf('ssh-rsa')}`],
  ['options before the key', `command="sh" ssh-rsa ${blobOf('ssh-rsa')}`],
  ['a type that its bytes deny', `ssh-rsa ${blobOf('ssh-dss')}`],
  ['a type that nobody uses any more', `ssh-dss ${blobOf('ssh-dss')}`],
  ['bytes that are cut short', 'ssh-ed25519 AAAA'],
  ['no base64', 'ssh-ed25519 !!!!'],
  ['too much of it', `ssh-rsa ${blobOf('ssh-rsa')} ${'x'.repeat(5_000)}`],
  ['nothing', ''],
])('no key: %s', (_, text) => {
  expect(accepts(sshKey, text)).toBe(false);
});

test('user data is bounded in bytes, whatever its characters', () => {
  expect(accepts(userData, 'x'.repeat(userDataMaxBytes))).toBe(true);
  expect(accepts(userData, '\u{1f6a2}'.repeat(userDataMaxBytes / 4 + 1))).toBe(false);
  expect(accepts(userData, 'a\0b')).toBe(false);
});

test('a port is named once', () => {
  expect(accepts(guestPorts, [22, 80])).toBe(true);
  for (const wrong of [[22, 22], [0], [65_536], [1.5], ['22']]) expect(accepts(guestPorts, wrong)).toBe(false);
});
