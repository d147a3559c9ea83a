import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ImageView } from '@berth/contracts/http/image.js';
import type { CreateInstanceBody, InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { Datacenter } from '../datacenter.js';
import { packaged } from '../guests/packaged.js';
import { waitFor } from '../integration/wait-for.js';

const readyMs = 100_000;

/** One request of the API; the answer must be 2xx. */
export async function call<T>(
  { endpoint, token }: Datacenter,
  method: string,
  path: string,
  body?: object | Buffer,
): Promise<T> {
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json';
  const response = await fetch(`${endpoint}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': type }) },
    ...(body && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return JSON.parse(text) as T;
}

/** Imports the CD of GRUB, the smallest unmodified system with a screen and a card: 5 MiB, at its menu in a second. */
export const importGrub = (datacenter: Datacenter): Promise<void> => importMedium(datacenter, 'cdrom.iso');

/** Of the same on diskette, for a machine of its age. */
export const importDiskette = (datacenter: Datacenter): Promise<void> =>
  importMedium(datacenter, 'floppy.img', { name: 'grub-diskette', profile: 'floppy', architecture: 'i386' });

/** Both show themselves to be CDs. */
async function importMedium(datacenter: Datacenter, file: string, more: object = {}): Promise<void> {
  const bytes = await readFile(packaged('grub-rescue-pc', `usr/lib/grub-rescue/grub-rescue-${file}`));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const source = { kind: 'upload', format: 'iso', sha256, sizeBytes: bytes.length };
  const body = { name: 'grub', osFamily: 'grub', minMemoryMib: 64, source, ...more };
  const { id } = await call<ImageView>(datacenter, 'POST', '/images', body);
  await call(datacenter, 'PUT', `/images/${id}/content?offset=0`, bytes);
  const isActive = async () => (await call<ImageView>(datacenter, 'GET', `/images/${id}`)).state === 'active';
  await waitFor('the image', isActive, readyMs);
}

/** Resolves when its firmware has handed over. */
export async function startGrub(
  datacenter: Datacenter,
  name: string,
  more: Partial<CreateInstanceBody> = {},
): Promise<InstanceView> {
  const body = { name, instanceType: 'small', image: 'grub', ...more };
  const { operations } = await call<AcceptedView>(datacenter, 'POST', '/instances', body);
  const ended = await call<OperationView>(datacenter, 'GET', `/operations/${operations[0]!.id}?wait=60000`);
  if (ended.state !== 'succeeded') throw new Error(`no guest: ${JSON.stringify(ended)}`);
  return call<InstanceView>(datacenter, 'GET', `/instances/${name}`);
}
