import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../output/failure.js';
import { findRedis, unpackedPackagesDir } from '../servers/redis-binary.js';
import { outputOf, type Apt } from './apt.js';

const run = promisify(execFile);
/** Holds the server program, but no service: nothing is started, nothing has to be stopped or masked. */
const redisPackage = 'redis-tools';

/** @throws CliError that names the command to type when Redis is missing and can be neither installed nor unpacked */
export async function ensureRedis(apt: Apt | undefined): Promise<void> {
  if (await findRedis()) return;
  if (apt) await apt.install([redisPackage]);
  else await unpack().catch(() => undefined);
  if (await findRedis()) return;
  throw new CliError('no Redis server is here, and it can be neither installed nor unpacked', {
    next: `as root: apt-get install --no-install-recommends ${redisPackage}; or set REDIS_URL`,
  });
}

/** Without root: the packages are downloaded and laid out in the user's cache. */
async function unpack(): Promise<void> {
  await mkdir(dirname(unpackedPackagesDir), { recursive: true });
  const downloads = await mkdtemp(join(tmpdir(), 'berth-packages-'));
  const unfinished = `${unpackedPackagesDir}.${process.pid}`;
  try {
    await run('apt-get', ['download', redisPackage, ...(await missingLibraries())], { cwd: downloads });
    for (const file of await readdir(downloads)) await run('dpkg-deb', ['-x', join(downloads, file), unfinished]);
    await rename(unfinished, unpackedPackagesDir);
  } finally {
    await rm(downloads, { recursive: true, force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function missingLibraries(): Promise<string[]> {
  const depends = await outputOf('apt-cache', ['depends', redisPackage]);
  const libraries = [...depends.matchAll(/^ +Depends: (lib\S+)$/gm)].flatMap(([, name]) => name ?? []);
  const installed = await Promise.all(libraries.map((name) => outputOf('dpkg-query', ['-W', '-f=${Status}', name])));
  return libraries.filter((_, at) => !installed[at]?.endsWith(' installed'));
}
