import { join } from 'node:path';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { WorkerConfig } from '../config.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { ContentCache } from './content-cache.js';

/** What this node fetches of images, and keeps while a vmm of it uses it. */
export function contentsOf(config: WorkerConfig, table: VmmTable): ContentCache {
  return new ContentCache({
    folder: join(config.BERTH_DATA_DIR, 'images'),
    origin: config.BERTH_IMAGE_ORIGIN,
    secret: config.BERTH_AGENT_SECRET,
    maxBytes: config.BERTH_IMAGE_CACHE_GIB * 1024 ** 3,
    inUse: () => new Set(table.all().flatMap(({ order }) => [...sumsOf(order?.image), ...sumsOf(order?.rescueImage)])),
  });
}

function sumsOf(image: VmmOrder['image'] | undefined): string[] {
  if (!image) return [];
  return image.kind === 'kernel-initrd' ? [image.kernel.sha256, image.initrd.sha256] : [image.sha256];
}
