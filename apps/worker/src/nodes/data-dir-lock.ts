import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

/**
 * One worker a data folder: two would each take the other's guests for orphans. Held as a name in the kernel (an
 * abstract unix socket), which a dying process loses whatever way it dies, so no stale lock is ever met.
 * @throws when another process holds it
 */
export class DataDirLock {
  private constructor(private readonly server: Server) {}

  static async take(dataDir: string): Promise<DataDirLock> {
    const name = createHash('sha256')
      .update(await realpath(dataDir))
      .digest('hex');
    const server = createServer((socket) => socket.destroy());
    server.listen(`\0berth-worker-${name}`);
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new Error(`another worker runs on ${dataDir}`, { cause });
    }
    server.unref();
    return new DataDirLock(server);
  }

  release(): void {
    this.server.close();
  }
}
