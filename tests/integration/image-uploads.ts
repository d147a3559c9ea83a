import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageView } from '@berth/contracts/http/image.js';
import type { Answer, ApiWorld } from '../api-world.js';
import { waitFor } from './wait-for.js';

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const described = (name: string, source: object) => ({ name, osFamily: 'linux', minMemoryMib: 16, source });

/** What a user of an API does who brings in an image, and what becomes of it. */
export function uploadsTo(worldOf: () => ApiWorld) {
  async function create(name: string, source: object): Promise<ImageView> {
    const made = await worldOf().call<ImageView>('POST', '/v1/images', { body: described(name, source) });
    assert.deepEqual([made.status, made.body.state], [201, 'importing']);
    return made.body;
  }

  async function put<T = ImageView>(image: string, offset: number, piece: Buffer): Promise<Answer<T>> {
    const { api, adminToken } = worldOf();
    const response = await fetch(`http://127.0.0.1:${api.port}/v1/images/${image}/content?offset=${offset}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(piece),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as T };
  }

  async function settled(name: string): Promise<ImageView> {
    let image: ImageView | undefined;
    await waitFor(`image ${name} to be active or failed`, async () => {
      image = (await worldOf().call<ImageView>('GET', `/v1/images/${name}`)).body;
      return image.state !== 'importing';
    });
    assert.ok(image);
    return image;
  }

  const stored = (part: string): Promise<string[]> => readdir(join(worldOf().world.folder, 'image-store', part));

  return { create, put, settled, stored };
}
