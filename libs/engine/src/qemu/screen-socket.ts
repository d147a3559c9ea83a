import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { EngineError } from '../driver.js';
import { connectUnix } from '../vmm/connection.js';

/**
 * QEMU can be handed no listening socket for its screen, so it makes one itself, in a folder that is lent to it: to add
 * to, not to list. Then the socket is moved out of it and the folder goes, so that a vmm which is taken over can put
 * nothing else in its place.
 */
export const screenFolder = 'screen';
export const screenFolderKey = 'screen-folder';
const socketName = 'vnc.sock';
const lentMode = 0o733;
const connectTimeoutMs = 5_000;

/** For one guest at once among several viewers, each may draw and type. */
export const screenServer = ['-vnc', `unix:/proc/self/fd/{${screenFolderKey}}/${socketName},share=force-shared`];

export async function lendScreenFolder(vmmPath: string): Promise<void> {
  const folder = join(vmmPath, screenFolder);
  await mkdir(folder, { recursive: true });
  await chmod(folder, lentMode); // whatever the umask
}

/** Does nothing the second time, nor for a guest without a screen. */
export async function takeScreenSocket(vmmPath: string): Promise<void> {
  const [folder, path] = [join(vmmPath, screenFolder), join(vmmPath, socketName)];
  await rename(join(folder, socketName), path).catch(ignoreAbsent);
  await rm(folder, { recursive: true, force: true });
  const found = await lstat(path).catch(ignoreAbsent);
  if (found && !found.isSocket()) await rm(path);
}

/** @throws EngineError no-screen, no-answer */
export async function connectScreen(vmmPath: string): Promise<Duplex> {
  await takeScreenSocket(vmmPath);
  const path = join(vmmPath, socketName);
  if (!(await lstat(path).catch(ignoreAbsent))) {
    throw new EngineError('no-screen', 'this guest has no screen, only a serial console');
  }
  return connectUnix(path, connectTimeoutMs).catch((cause: unknown) => {
    throw new EngineError('no-answer', 'the screen of this guest does not answer', { cause });
  });
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
