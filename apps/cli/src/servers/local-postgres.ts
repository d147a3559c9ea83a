import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isOpenToAll, serverOwner, type Owner } from './owner.js';
import { openRoot, postgresBinDir } from './postgres-binaries.js';
import { freePort, untilReady } from './ready.js';
import { startServer, type ServerFiles, type ServerProcess } from './server-process.js';

export interface LocalServer extends ServerProcess {
  readonly url: string;
  readonly port: number;
}

export interface PostgresOptions extends ServerFiles {
  /** Holds the password; and the cluster, unless the server's user cannot walk there. */
  readonly dataDir: string;
  readonly port?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const readyTimeoutMs = 30_000;
/** For an orderly end; after it PostgreSQL is told to drop everything, and repairs itself at its next start. */
const leftOverGraceMs = 15_000;
const run = promisify(execFile);

/**
 * PostgreSQL for this machine alone: 127.0.0.1, a generated password, the cluster made on first use. What an
 * earlier run left is stopped first.
 */
export async function startLocalPostgres(options: PostgresOptions): Promise<LocalServer> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o711); // the server's user passes through; what is secret here has its own mode
  const owner = await serverOwner();
  const binDir = await postgresBinDir(owner);
  const home = await clusterHome(dataDir, owner);
  const cluster = join(home, 'postgres');
  await stopLeftOver(cluster);
  const password = await passwordOf(dataDir, home === dataDir ? undefined : cluster);
  await createCluster(binDir, cluster, password, owner);
  const port = await freePort(options.port);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    jit: 'off',
    ...options.settings,
  };
  const server = await startServer(
    {
      command: join(binDir, 'postgres'),
      args: [
        '-D',
        cluster,
        '-p',
        `${port}`,
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      workingDirectory: cluster,
      stopSignal: 'SIGINT', // fast: ends sessions, writes a checkpoint
      ...(owner && { owner }),
    },
    options,
  );
  const hint = options.logPath === undefined ? 'give it a log to see why' : `see ${options.logPath}`;
  await untilReady(server, () => isReady(cluster, server.pid), { name: 'PostgreSQL', timeoutMs: readyTimeoutMs, hint });
  return { ...server, port, url: `postgresql://berth:${password}@127.0.0.1:${port}/postgres` };
}

async function clusterHome(dataDir: string, owner: Owner | undefined): Promise<string> {
  if (owner === undefined || (await isOpenToAll(dataDir))) return dataDir;
  const home = join(openRoot, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  await mkdir(home, { recursive: true, mode: 0o755 });
  return home;
}

/** Where there is none yet, what lies elsewhere is of a data folder that was deleted: it goes before one is written. */
async function passwordOf(dataDir: string, elsewhere: string | undefined): Promise<string> {
  const path = join(dataDir, 'postgres.password');
  try {
    return await readFile(path, 'utf8');
  } catch {
    if (elsewhere !== undefined) await rm(elsewhere, { recursive: true, force: true });
    const password = randomBytes(24).toString('base64url');
    await writeFile(path, password, { mode: 0o600 });
    return password;
  }
}

/** Made under another name and moved when complete, so that an interrupted first run leaves no half cluster. */
async function createCluster(
  binDir: string,
  cluster: string,
  password: string,
  owner: Owner | undefined,
): Promise<void> {
  if (existsSync(join(cluster, 'PG_VERSION'))) return;
  await removeUnfinished(cluster);
  // a name of its own: the initdb of a launcher that was killed may still be writing to the last one
  const unfinished = await mkdtemp(`${cluster}.new.`);
  const passwordFile = `${unfinished}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner) {
    await chown(unfinished, owner.uid, owner.gid);
    await chown(passwordFile, owner.uid, owner.gid);
  }
  const args = ['-D', unfinished, '-U', 'berth', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  await run(join(binDir, 'initdb'), [...args, '--encoding=UTF8', '--locale=C'], {
    cwd: dirname(unfinished),
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    ...owner,
  });
  await rm(passwordFile);
  await chmod(unfinished, 0o700);
  await rm(cluster, { recursive: true, force: true }); // what a removal that was cut short has left
  await rename(unfinished, cluster);
}

async function removeUnfinished(cluster: string): Promise<void> {
  const beside = await readdir(dirname(cluster));
  const left = beside.filter((name) => name.startsWith(`${basename(cluster)}.new`));
  await Promise.all(left.map((name) => rm(join(dirname(cluster), name), { recursive: true, force: true })));
}

/** The server writes its state into the eighth line of its lock file, as pg_ctl reads it. */
async function isReady(cluster: string, pid: number): Promise<boolean> {
  const lines = await lockLines(cluster);
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

async function lockLines(cluster: string): Promise<string[]> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  return text.split('\n');
}

/** A launcher killed outright leaves its server; only a process that works in this very cluster is stopped. */
async function stopLeftOver(cluster: string): Promise<void> {
  const pid = Number((await lockLines(cluster))[0]);
  if (!pid) return;
  const deadline = performance.now() + leftOverGraceMs;
  while ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) === cluster) {
    process.kill(pid, performance.now() < deadline ? 'SIGINT' : 'SIGQUIT');
    await delay(100);
  }
}
