import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageSource } from '@berth/contracts/http/image.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { createCountMax } from '@berth/domain/limits.js';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import { ApiError } from '../output/failure.js';
import { checkout } from './layout.js';

const guestDir = join(checkout, 'deploy', 'guest');
const tinyImage = 'tiny';
const tinyType = 'tiny';
const instanceTypes = [
  { name: tinyType, vcpus: 1, memoryMib: 64 },
  { name: 'small', vcpus: 1, memoryMib: 128 },
  { name: 'medium', vcpus: 2, memoryMib: 256 },
];
const firstCount = 6;

/** Lays the tiny guest's files where workers look for images. A copy is complete or not there. */
export async function layOutImages(imageDir: string): Promise<void> {
  await mkdir(imageDir, { recursive: true });
  for (const [file, sha256] of Object.entries(tinyFiles())) {
    const target = join(imageDir, imageFileName(file, sha256));
    if (
      existsSync(target) &&
      createHash('sha256')
        .update(await readFile(target))
        .digest('hex') === sha256
    )
      continue;
    await copyFile(join(guestDir, 'artifact', file), `${target}.new`);
    await rename(`${target}.new`, target);
  }
}

/** Named by content: a later version of the image lies beside the one that instances still use. */
const imageFileName = (file: string, sha256: string): string => `tiny-${file}-${sha256.slice(0, 12)}`;

function tinyFiles(): Record<string, string> {
  const sums = readFileSync(join(guestDir, 'artifact', 'SHA256SUMS'), 'utf8')
    .trim()
    .split('\n');
  return Object.fromEntries(sums.map((line) => line.split(/\s+/, 2).toReversed()));
}

function tinySource(): ImageSource {
  const files = tinyFiles();
  const imageFile = (name: string) => ({ path: imageFileName(name, files[name]!), sha256: files[name]! });
  const cmdline = readFileSync(join(guestDir, 'cmdline'), 'utf8').trim();
  return { kind: 'kernel-initrd', kernel: imageFile('vmlinux'), initrd: imageFile('initrd'), cmdline };
}

/** Registers the tiny image and a few shapes; those that are there stay. */
export async function registerCatalogue(api: HttpClient): Promise<void> {
  for (const body of instanceTypes) await createUnlessTaken(api, '/instance-types', body);
  await createUnlessTaken(api, '/images', {
    name: tinyImage,
    osFamily: 'linux',
    architecture: 'x86_64',
    minMemoryMib: 64,
    source: tinySource(),
  });
}

async function createUnlessTaken(api: HttpClient, path: string, body: unknown): Promise<void> {
  try {
    await api.call({ method: 'POST', path, body });
  } catch (error) {
    if (!(error instanceof ApiError && error.problem.code === 'name-taken')) throw error;
  }
}

/**
 * Asks for the instances this start has to see running: new ones up to `wanted` (six on the very first start), and once
 * more those that failed before. They are spread evenly, so that each node has guests to show.
 */
export async function provision(api: HttpClient, wanted: number | undefined): Promise<void> {
  const existing = await listAll<InstanceView>(api, '/instances');
  const failed = existing.filter(({ desiredState, state }) => desiredState === 'running' && state === 'failed');
  for (const { id } of failed) await api.call<AcceptedView>({ method: 'POST', path: `/instances/${id}/start` });
  const missing = wanted === undefined ? (existing.length === 0 ? firstCount : 0) : wanted - existing.length;
  const prefix = existing.length === 0 ? 'guest' : `guest-${randomBytes(2).toString('hex')}`;
  for (let done = 0; done < missing; done += createCountMax) {
    const count = Math.min(createCountMax, missing - done);
    const name = done === 0 ? prefix : `${prefix}-${done / createCountMax}`;
    const placement = { group: { name: prefix, policy: 'spread-rack' } };
    const body = { name: count === 1 ? `${name}-1` : name, count, instanceType: tinyType, image: tinyImage, placement };
    const headers = { 'idempotency-key': `launcher-${name}-${randomBytes(8).toString('hex')}` };
    await api.call<AcceptedView>({ method: 'POST', path: '/instances', body, headers });
  }
}
