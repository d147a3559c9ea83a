import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContentCache, type FetchedContent } from './content-cache.js';
import { ImageOrigin } from './image-origin.fixture.js';

const secret = 'a secret of sixteen or more';
let folder: string;
let origin: ImageOrigin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-content-'));
  origin = await ImageOrigin.open();
});
afterEach(async () => {
  origin.close();
  await rm(folder, { recursive: true, force: true });
});

function contentOf(bytes = randomBytes(100_000)): FetchedContent {
  return { kind: 'disk', ...origin.add(bytes), virtualSizeBytes: 2 ** 30, firmware: 'bios' };
}

function open(maxBytes = 2 ** 30, inUse: string[] = []): ContentCache {
  return new ContentCache({ folder, origin: origin.url, secret, maxBytes, inUse: () => new Set(inUse) });
}

describe('the images of a node', () => {
  it('are fetched once by checksum and secret, however many starts wait; all hear of the progress', async () => {
    const content = contentOf();
    const cache = open();
    const heard: number[] = [];
    const bases = await Promise.all(
      Array.from({ length: 20 }, (_, at) => cache.get(content, (received) => (heard[at] = received))),
    );
    expect(origin.asked).toEqual([`Bearer ${secret} /v1/image-content/${content.sha256}`]);
    expect(heard).toEqual(Array.from({ length: 20 }, () => content.sizeBytes));
    expect(bases[0]).toEqual({ path: join(folder, content.sha256), format: 'qcow2', virtualSizeBytes: 2 ** 30 });
    expect(await readFile(bases[0]!.path)).toEqual(origin.contents.get(content.sha256));
    expect((await stat(bases[0]!.path)).mode & 0o777).toBe(0o444);
    await open().get(content); // a worker that was restarted
    expect(origin.asked).toHaveLength(1);
  });

  it('are seen only whole', async () => {
    const content = contentOf();
    const bytes = origin.contents.get(content.sha256)!;
    let finish: () => void = () => undefined;
    origin.answer = (_, response) => {
      response.write(bytes.subarray(0, 50_000));
      finish = () => response.end(bytes.subarray(50_000));
    };
    let first: () => void;
    const begun = new Promise<void>((resolve) => (first = resolve));
    const got = open().get(content, () => first());
    await begun;
    expect(await readdir(folder)).toEqual([`${content.sha256}.part`]);
    finish();
    expect(existsSync((await got).path)).toBe(true);
    expect(await readdir(folder)).toEqual([content.sha256]);
  });

  it('with wrong bytes are refused after a few tries and leave nothing behind', async () => {
    const content = contentOf();
    origin.answer = (_, response) => response.end(Buffer.alloc(content.sizeBytes));
    await expect(open().get(content)).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(origin.asked.length).toBeGreaterThan(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('come when the control plane is back', async () => {
    const content = contentOf();
    const right = origin.answer;
    origin.answer = (_, response) => {
      origin.answer = right;
      response.destroy();
    };
    expect(existsSync((await open().get(content)).path)).toBe(true);
    expect(origin.asked).toHaveLength(2);
  });

  it('that the control plane does not have are not asked for again', async () => {
    const content = contentOf();
    origin.answer = (_, response) => response.writeHead(404).end();
    await expect(open().get(content)).rejects.toThrow(/has no image .* any more/);
    expect(origin.asked).toHaveLength(1);
  });

  it('beyond the limit go, least recently used first, but for those that guests lie over', async () => {
    const [old, used, recent, next] = [contentOf(), contentOf(), contentOf(), contentOf()];
    for (const content of [used, old, recent]) await open().get(content);
    await open(300_000, [used.sha256]).get(next);
    expect(new Set(await readdir(folder))).toEqual(new Set([used.sha256, recent.sha256, next.sha256]));
  });
});
