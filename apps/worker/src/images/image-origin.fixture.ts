import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where a node fetches images: gives by its checksum what `add` put there. */
export class ImageOrigin {
  readonly contents = new Map<string, Buffer>();
  /** Secret and path of each request. */
  readonly asked: string[] = [];
  answer: RequestListener = ({ url = '' }, response) => response.end(this.contents.get(url.slice(-64)));
  readonly #server = createServer((request, response) => {
    this.asked.push(`${request.headers.authorization} ${request.url}`);
    this.answer(request, response);
  });

  static async open(): Promise<ImageOrigin> {
    const origin = new ImageOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  add(bytes: Buffer): { sha256: string; sizeBytes: number } {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.contents.set(sha256, bytes);
    return { sha256, sizeBytes: bytes.length };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
