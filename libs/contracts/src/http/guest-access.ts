import { portsMax, sshKeyMaxChars, sshKeysMax, userDataMaxBytes } from '@berth/domain/limits.js';
import { z } from 'zod';

const keyForm = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( [\x20-\x7e]*)?$/;
const keyTypes = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/** RFC 4253, section 6.6: what is encoded begins with the length of its type, and the type once more. */
function isPublicKey(text: string): boolean {
  const [, type = '', encoded = ''] = keyForm.exec(text) ?? [];
  const blob = Buffer.from(encoded, 'base64');
  if (!keyTypes.includes(type) || blob.length < 4 + type.length) return false;
  return blob.readUInt32BE(0) === type.length && blob.toString('latin1', 4, 4 + type.length) === type;
}

export const sshKey = z
  .string()
  .max(sshKeyMaxChars, { error: `must have at most ${sshKeyMaxChars} characters` })
  .refine(isPublicKey, { error: 'must be one public key as in authorized_keys: type, base64 and a comment' });
export const sshKeys = z.array(sshKey).max(sshKeysMax, { error: `must hold at most ${sshKeysMax} keys` });

export const userData = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= userDataMaxBytes, {
    error: `must have at most ${userDataMaxBytes} bytes`,
  })
  .refine((text) => !text.includes('\0'), { error: 'must be text, without NUL characters' });

export const tcpPort = z.int().min(1).max(65_535);
export const guestPorts = z
  .array(tcpPort)
  .max(portsMax, { error: `must hold at most ${portsMax} ports` })
  .refine((ports) => new Set(ports).size === ports.length, { error: 'must name each port once' });

/** A way in: what connects to `hostPort` of `host` reaches `guestPort` of the guest. */
export const portForward = z.object({ guestPort: tcpPort, host: z.string().max(255), hostPort: tcpPort });
export type PortForward = z.infer<typeof portForward>;

export const instancePort = z.object({
  guestPort: tcpPort,
  host: z.string().nullable().describe('where to connect to; null: until its guest is ready, or its node is gone'),
  hostPort: tcpPort.nullable(),
});

/** What a guest's first boot is told beside its name. Private: it stands in no list, event, job or log. */
export const instanceSeed = z.object({ sshKeys: z.array(z.string()), userData: z.string().nullable() });
export type InstanceSeed = z.infer<typeof instanceSeed>;
