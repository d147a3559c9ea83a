import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { imagePathOf } from '@berth/contracts/agent.js';
import type { ImageStore } from '@berth/images/image-store.js';
import type { NodeRoute } from '../nodes/node-server.js';

/** The bytes of images, by their checksum. */
export function contentRoute(store: ImageStore): NodeRoute {
  return {
    path: new RegExp(`^${imagePathOf('([0-9a-f]{64})')}$`),
    async answer(sha256, response) {
      const file = await open(store.contentPath(sha256)).catch(() => undefined);
      if (!file) return void response.writeHead(404).end();
      const { size } = await file.stat();
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
      await pipeline(file.createReadStream(), response);
    },
  };
}
