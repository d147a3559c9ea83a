import { join } from 'node:path';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { WorkerConfig } from '../config.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { ContentCache } from './content-cache.js';

/** What this node fetches of images, and keeps while a vmm of it uses it. */
export function contentsOf(config: WorkerConfig, table: VmmTable): ContentCache {
  const shaOf = (image: VmmOrder['image'] | undefined) =>
    image && image.kind !== 'kernel-initrd' ? [image.sha256] : [];
  return new ContentCache({
    folder: join(config.BERTH_DATA_DIR, 'images'),
    origin: config.BERTH_IMAGE_ORIGIN,
    secret: config.BERTH_AGENT_SECRET,
    maxBytes: config.BERTH_IMAGE_CACHE_GIB * 1024 ** 3,
    inUse: () => new Set(table.all().flatMap(({ order }) => [...shaOf(order?.image), ...shaOf(order?.rescueImage)])),
  });
}
