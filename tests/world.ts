import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '@berth/database/database.js';
import { migrate } from '@berth/database/migrate.js';
import { endProcess, vmmProcessesBelow } from '@berth/engine/vmm/process.js';
import { startLocalPostgres, type LocalServer } from '../apps/cli/src/servers/local-postgres.js';
import { startLocalRedis } from '../apps/cli/src/servers/local-redis.js';

const migrationsFolder = join(import.meta.dirname, '../prisma/migrations');

/**
 * Servers of one test file: a migrated PostgreSQL and a Redis of its own, set as in production, in a folder of its own.
 */
export interface World {
  readonly folder: string;
  readonly postgres: LocalServer;
  readonly redis: LocalServer;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** For BERTH_KEY_PREFIX. */
  readonly keyPrefix: string;
  /**
   * A client of the record, closed with the world. Its pool is warm: `poolSize` connections are open before it returns.
   */
  openDatabase(poolSize?: number): Promise<Database>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-world-'));
  const [postgres, redis] = await Promise.all([
    startLocalPostgres({ dataDir: folder, logPath: join(folder, 'postgres.log') }),
    startLocalRedis({ dataDir: folder, logPath: join(folder, 'redis.log') }),
  ]);
  await migrate(postgres.url, migrationsFolder);
  const databases: Database[] = [];
  return {
    folder,
    postgres,
    redis,
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    keyPrefix: `test-${randomUUID().slice(0, 8)}`,
    async openDatabase(poolSize = 10) {
      const database = new Database({ url: postgres.url, application: 'test', poolSize, onError: () => undefined });
      databases.push(database);
      await warm(database, poolSize);
      return database;
    },
    async close() {
      await Promise.all(databases.map((database) => database.close()));
      await Promise.all([postgres.stop(), redis.stop()]);
      await Promise.all((await vmmProcessesBelow(folder)).map(endProcess)); // guests outlive their worker
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A race proves nothing while connections still open one by one. */
async function warm(database: Database, poolSize: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: poolSize }, () => database.pool.connect()));
  for (const client of clients) client.release();
}
