import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where packages are unpacked when nobody may install them; one per user, for all data folders. */
export const unpackedPackagesDir = join(homedir(), '.cache', 'berth', 'packages');

export interface RedisBinary {
  readonly command: string;
  readonly libraryPath?: string;
}

/**
 * Debian's redis-tools holds the whole server: `redis-server` is but another name of `redis-check-rdb`. So no
 * service needs to be
 * installed, started and stopped again. Undefined: nothing is here.
 */
export async function findRedis(): Promise<RedisBinary | undefined> {
  for (const name of ['redis-server', 'valkey-server', 'redis-check-rdb', 'valkey-check-rdb']) {
    const found = await run('/bin/sh', ['-c', `command -v ${name}`]).catch(() => undefined);
    if (found) return { command: found.stdout.trim() };
  }
  const unpacked = join(unpackedPackagesDir, 'usr', 'bin', 'redis-check-rdb');
  return existsSync(unpacked) ? { command: unpacked, libraryPath: await libraryPath() } : undefined;
}

async function libraryPath(): Promise<string> {
  const root = join(unpackedPackagesDir, 'usr', 'lib');
  // nothing there: the machine has the libraries itself
  return (await readdir(root).catch(() => [])).map((folder) => join(root, folder)).join(':');
}
