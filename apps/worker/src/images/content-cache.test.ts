import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContentCache, type FetchedContent } from './content-cache.js';

const secret = 'a secret of sixteen or more';
let folder: string;
let server: Server;
let asked: string[];
let answer: RequestListener;
const contents = new Map<string, Buffer>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-content-'));
  asked = [];
  contents.clear();
  answer = ({ url = '' }, response) => response.end(contents.get(url.slice(-64)));
  server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

function contentOf(bytes = randomBytes(100_000)): FetchedContent {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  contents.set(sha256, bytes);
  return { kind: 'disk', sha256, sizeBytes: bytes.length, virtualSizeBytes: 2 ** 30, firmware: 'bios' };
}

function open(maxBytes = 2 ** 30, inUse: string[] = []): ContentCache {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new ContentCache({ folder, origin, secret, maxBytes, inUse: () => new Set(inUse) });
}

describe('the images of a node', () => {
  it('are fetched once by checksum and secret, however many starts wait; all hear of the progress', async () => {
    const content = contentOf();
    const cache = open();
    const heard: number[] = [];
    const bases = await Promise.all(
      Array.from({ length: 20 }, (_, at) => cache.get(content, (received) => (heard[at] = received))),
    );
    expect(asked).toEqual([`Bearer ${secret} /v1/image-content/${content.sha256}`]);
    expect(heard).toEqual(Array.from({ length: 20 }, () => content.sizeBytes));
    expect(bases[0]).toEqual({ path: join(folder, content.sha256), format: 'qcow2', virtualSizeBytes: 2 ** 30 });
    expect(await readFile(bases[0]!.path)).toEqual(contents.get(content.sha256));
    expect((await stat(bases[0]!.path)).mode & 0o777).toBe(0o444);
    await open().get(content); // a worker that was restarted
    expect(asked).toHaveLength(1);
  });

  it('are seen only whole', async () => {
    const content = contentOf();
    const bytes = contents.get(content.sha256)!;
    let finish: () => void = () => undefined;
    answer = (_, response) => {
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
    answer = (_, response) => response.end(Buffer.alloc(content.sizeBytes));
    await expect(open().get(content)).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(asked.length).toBeGreaterThan(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('come when the control plane is back', async () => {
    const content = contentOf();
    const right = answer;
    answer = (_, response) => {
      answer = right;
      response.destroy();
    };
    expect(existsSync((await open().get(content)).path)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('that the control plane does not have are not asked for again', async () => {
    const content = contentOf();
    answer = (_, response) => response.writeHead(404).end();
    await expect(open().get(content)).rejects.toThrow(/has no image .* any more/);
    expect(asked).toHaveLength(1);
  });

  it('beyond the limit go, least recently used first, but for those that guests lie over', async () => {
    const [old, used, recent, next] = [contentOf(), contentOf(), contentOf(), contentOf()];
    for (const content of [used, old, recent]) await open().get(content);
    await open(300_000, [used.sha256]).get(next);
    expect(new Set(await readdir(folder))).toEqual(new Set([used.sha256, recent.sha256, next.sha256]));
  });
});
