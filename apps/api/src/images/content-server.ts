import { timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { imagePathOf } from '@berth/contracts/agent.js';
import type { ImageStore } from '@berth/images/image-store.js';
import type { Answer } from '@berth/observability/metrics-server.js';

const contentPath = new RegExp(`^${imagePathOf('([0-9a-f]{64})')}$`);

/** Gives nodes the bytes of images by their checksum, on the internal port. */
export function contentServer(store: ImageStore, secret: string): Answer {
  return (request, response) =>
    answer(store, secret, request, response).catch(() => {
      response.destroy();
    });
}

async function answer(
  store: ImageStore,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, sha256] = contentPath.exec(request.url ?? '') ?? [];
  if (request.method !== 'GET' || sha256 === undefined) return void response.writeHead(404).end();
  if (!knows(secret, request)) return void response.writeHead(401).end();
  const file = await open(store.contentPath(sha256)).catch(() => undefined);
  if (!file) return void response.writeHead(404).end();
  const { size } = await file.stat();
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  await pipeline(file.createReadStream(), response);
}

function knows(secret: string, { headers }: IncomingMessage): boolean {
  const given = Buffer.from(headers.authorization ?? '');
  const expected = Buffer.from(`Bearer ${secret}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
