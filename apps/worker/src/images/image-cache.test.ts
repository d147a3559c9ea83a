import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageContent } from '@berth/contracts/http/image.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { EngineDriver } from '@berth/engine/driver.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkerConfig } from '../config.js';
import { NodeEngines } from '../nodes/node-engines.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import { Vmm } from '../vmms/vmm.js';
import { VmmTable } from '../vmms/vmm-table.js';
import { ImageCache } from './image-cache.js';
import { contentsOf } from './node-contents.js';

let folder: string;
let server: Server;
let contents: Map<string, Buffer>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-kernel-image-'));
  contents = new Map();
  server = createServer(({ url = '' }, response) => response.end(contents.get(url.slice(-64))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

type KernelContent = Extract<ImageContent, { kind: 'kernel-initrd' }>;

function partOf(bytes: Buffer): { sha256: string; sizeBytes: number } {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  contents.set(sha256, bytes);
  return { sha256, sizeBytes: bytes.length };
}

function kernelOf(): KernelContent {
  const [kernel, initrd] = [partOf(randomBytes(100_000)), partOf(randomBytes(50_000))];
  return { kind: 'kernel-initrd', kernel, initrd, cmdline: 'quiet', ready: 'firmware' };
}

const sumsOf = ({ kernel, initrd }: KernelContent): string[] => [kernel.sha256, initrd.sha256];
const shape = { project: 'p', driver: 'tcg', vcpus: 1, memoryMib: 64, diskGib: 0, onIsolation: 'keep' } as const;
const node: WorkerNode = {
  id: 'n',
  name: 'n',
  engines: NodeEngines.of({} as EngineDriver),
  bootId: 'b',
  zone: 'z',
  rack: 'r',
};

/** A node on which a guest of each of `running` runs. */
function open(running: readonly KernelContent[] = [], maxBytes = 2 ** 30): ImageCache {
  const table = new VmmTable();
  running.forEach((image, at) => {
    const handle = { vmmId: `v${at}`, instanceId: `i${at}`, generation: 1 };
    const order: VmmOrder = { ...handle, ...shape, instanceName: handle.instanceId, image };
    table.restore(new Vmm(node, {} as EngineDriver, handle, order, { operationId: null, end: null }));
  });
  const config = {
    BERTH_DATA_DIR: folder,
    BERTH_IMAGE_ORIGIN: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    BERTH_AGENT_SECRET: 'a secret of sixteen or more',
    BERTH_IMAGE_CACHE_GIB: maxBytes / 1024 ** 3,
  } as WorkerConfig;
  return new ImageCache(join(folder, 'tiny'), contentsOf(config, table));
}

describe('a kernel with its RAM disk', () => {
  it('is fetched as two contents, and told of as one', async () => {
    const image = kernelOf();
    const heard: number[] = [];
    const located = await open().locate(image, (received) => heard.push(received));
    const [kernelPath, initrdPath] = sumsOf(image).map((sum) => join(folder, 'images', sum));
    expect(located).toEqual({ kind: 'kernel-initrd', kernelPath, initrdPath, cmdline: 'quiet' });
    expect(await readFile(initrdPath ?? '')).toEqual(contents.get(image.initrd.sha256));
    expect(heard).toEqual(heard.toSorted((one, other) => one - other));
    expect([heard.includes(100_000), heard.at(-1)]).toEqual([true, 150_000]);
  });

  it('of other bytes is refused, whichever of the two it is', async () => {
    const spoilt = (['kernel', 'initrd'] as const).map((part) => {
      const image = kernelOf();
      const { sha256, sizeBytes } = { sizeBytes: 0, ...image[part] };
      contents.set(sha256, Buffer.alloc(sizeBytes));
      return { image, sha256 };
    });
    const refused = expect.objectContaining({ code: 'image-unavailable' });
    const ends = await Promise.allSettled(spoilt.map(({ image }) => open().locate(image)));
    expect(ends).toEqual(spoilt.map(() => ({ status: 'rejected', reason: refused })));
    const [kept, sums] = [await readdir(join(folder, 'images')), spoilt.map(({ sha256 }) => sha256)];
    expect(kept.filter((name) => sums.includes(name))).toEqual([]);
  });

  it('beyond the limit goes, but for both parts of those that guests were begun with', async () => {
    const [used, old, next] = [kernelOf(), kernelOf(), kernelOf()];
    for (const image of [used, old]) await open().locate(image);
    await open([used], 300_000).locate(next);
    expect(new Set(await readdir(join(folder, 'images')))).toEqual(new Set([...sumsOf(used), ...sumsOf(next)]));
  });
});
