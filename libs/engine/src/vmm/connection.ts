import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/**
 * Begins to connect to a unix socket by way of its open directory: the kernel allows a path of 107 bytes, and a data
 * directory may stand deeper than that. The connect call itself is made at once, so the directory is closed again here.
 */
export function openUnix(path: string): Socket {
  const directory = openSync(dirname(path), 'r');
  try {
    return connect(`/proc/self/fd/${directory}/${basename(path)}`);
  } finally {
    closeSync(directory);
  }
}

export async function connectUnix(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    const socket = openUnix(path);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no connection to ${path} in ${timeoutMs} ms`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0).off('error', reject);
      resolve(socket);
    });
  });
}
