import { randomBytes } from 'node:crypto';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { createCountMax } from '@berth/domain/limits.js';
import type { GuestArchitecture } from '@berth/engine/tiny-guest.js';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import { ApiError } from '../output/failure.js';
import { tinySource } from './tiny-image.js';

const tinyImage = 'tiny';
const tinyType = 'tiny';
/** On the very first start. A guest that is interpreted idles at a few percent of a core. */
export const firstCount = { x86_64: 6, i386: 3 } as const satisfies Record<GuestArchitecture, number>;

/** Registers the tiny image, unless it is there. The shapes come with the record's schema. */
export async function registerCatalogue(api: HttpClient, architecture: GuestArchitecture = 'x86_64'): Promise<void> {
  await createUnlessTaken(api, '/images', {
    name: tinyImage,
    osFamily: 'linux',
    architecture,
    minMemoryMib: 64,
    source: tinySource(architecture),
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
 * Asks for the instances this start has to see running: new ones up to `wanted` (`first` on the very first start), and
 * once more those that failed before. They are spread evenly, so that each node has guests to show.
 */
export async function provision(api: HttpClient, wanted: number | undefined, first: number): Promise<void> {
  const existing = await listAll<InstanceView>(api, '/instances');
  const failed = existing.filter(({ desiredState, state }) => desiredState === 'running' && state === 'failed');
  for (const { id } of failed) await api.call<AcceptedView>({ method: 'POST', path: `/instances/${id}/start` });
  const missing = wanted === undefined ? (existing.length === 0 ? first : 0) : wanted - existing.length;
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
