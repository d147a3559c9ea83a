import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import type { LocalServer } from './local-postgres.js';
import { freePort, untilReady } from './ready.js';
import { findRedis } from './redis-binary.js';
import { startServer, type ServerFiles } from './server-process.js';

export interface RedisOptions extends ServerFiles {
  readonly dataDir: string;
  readonly port?: number;
}

const readyTimeoutMs = 20_000;

/**
 * Redis for this machine alone: 127.0.0.1, an append-only file, nothing ever evicted.
 * @throws when no server program is here, with the command that installs one
 */
export async function startLocalRedis(options: RedisOptions): Promise<LocalServer> {
  const binary = await findRedis();
  if (!binary) throw new Error('no Redis here: run "apt-get install redis-tools", or set REDIS_URL');
  const folder = join(resolve(options.dataDir), 'redis');
  await mkdir(folder, { recursive: true });
  const port = await freePort(options.port);
  const settings = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  };
  const server = await startServer(
    {
      command: binary.command,
      argv0: 'redis-server',
      args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
      environment: { PATH: '/usr/bin:/bin', ...(binary.libraryPath && { LD_LIBRARY_PATH: binary.libraryPath }) },
      workingDirectory: folder,
      stopSignal: 'SIGTERM',
    },
    options,
  );
  const hint = options.logPath === undefined ? 'give it a log to see why' : `see ${options.logPath}`;
  await untilReady(server, () => answersPing(port), { name: 'Redis', timeoutMs: readyTimeoutMs, hint });
  return { ...server, port, url: `redis://127.0.0.1:${port}` };
}

/** False while it does not listen or still loads its data. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
}
