import { createServer, type Socket } from 'node:net';

/** One who does not read is let go. */
const unreadMaxBytes = 1024 * 1024;

/** A unix socket that serves one client at a time: while one is connected, it belongs to that one alone. */
export class SingleClient {
  #client: Socket | undefined;

  constructor(
    /** The number of its descriptor: it listens already. */
    listening: number,
    /** Called for each client; returns what takes its bytes. */
    onClient: () => (chunk: Buffer) => void,
  ) {
    createServer((client) => {
      client.on('error', () => undefined); // 'close' follows
      if (this.#client) return void client.destroy();
      this.#client = client;
      client.once('close', () => (this.#client = undefined));
      client.on('data', onClient());
    }).listen({ fd: listening });
  }

  /** To nobody when nobody is there. */
  send(bytes: Uint8Array | string): void {
    if ((this.#client?.writableLength ?? 0) > unreadMaxBytes) this.#client?.destroy();
    else this.#client?.write(bytes);
  }
}
