import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { LocalServer } from '../../apps/cli/src/servers/local-postgres.js';
import { startLocalRedis } from '../../apps/cli/src/servers/local-redis.js';

/** A real Redis of a test's own, set as the launcher's, so that it may be emptied, frozen and killed. */
export class RedisServer {
  private constructor(
    private readonly folder: string,
    private process: LocalServer,
  ) {}

  static async start(): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-redis-'));
    return new RedisServer(folder, await startLocalRedis({ dataDir: folder }));
  }

  get url(): string {
    return this.process.url;
  }

  async flushAll(): Promise<void> {
    await this.ask((redis) => redis.flushall());
  }

  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { commandTimeout: 2_000, retryStrategy: () => null, lazyConnect: true });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }

  async kill(): Promise<void> {
    process.kill(this.process.pid, 'SIGKILL');
    await this.process.exited;
  }

  /** On the port and with the data of before. */
  async startAgain(): Promise<void> {
    this.process = await startLocalRedis({ dataDir: this.folder, port: this.process.port });
  }

  freeze(): void {
    process.kill(this.process.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.process.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
