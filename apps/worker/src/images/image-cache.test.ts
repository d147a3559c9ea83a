import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
import { ImageOrigin } from './image-origin.fixture.js';
import { contentsOf } from './node-contents.js';

let folder: string;
let origin: ImageOrigin;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-kernel-image-'));
  origin = await ImageOrigin.open();
});
afterEach(async () => {
  origin.close();
  await rm(folder, { recursive: true, force: true });
});

type KernelContent = Extract<ImageContent, { kind: 'kernel-initrd' }>;

function kernelOf(): KernelContent {
  const [kernel, initrd] = [origin.add(randomBytes(100_000)), origin.add(randomBytes(50_000))];
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
    BERTH_IMAGE_ORIGIN: origin.url,
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
    expect(await readFile(initrdPath ?? '')).toEqual(origin.contents.get(image.initrd.sha256));
    expect(heard).toEqual(heard.toSorted((one, other) => one - other));
    expect([heard.includes(100_000), heard.at(-1)]).toEqual([true, 150_000]);
  });

  it('of other bytes is refused, whichever of the two it is', async () => {
    const spoilt = (['kernel', 'initrd'] as const).map((part) => {
      const image = kernelOf();
      const { sha256, sizeBytes } = { sizeBytes: 0, ...image[part] };
      origin.contents.set(sha256, Buffer.alloc(sizeBytes));
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
