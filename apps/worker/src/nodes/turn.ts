import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';

/**
 * Runs `work` when no other process of this machine does so for the same path. Held as a name in the kernel (an
 * abstract unix socket), which a dying process loses whatever way it dies.
 */
export async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const name = `\0berth-turn-${createHash('sha256').update(resolve(path)).digest('hex')}`;
  const sockets = new Set<Socket>();
  const server = await take(name, sockets);
  try {
    return await work();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function take(name: string, sockets: Set<Socket>): Promise<Server> {
  for (;;) {
    const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    server.listen(name);
    try {
      await once(server, 'listening');
      return server;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      await untilLeft(name);
    }
  }
}

/** Whoever holds the name keeps our connection open until it is done. */
async function untilLeft(name: string): Promise<void> {
  const socket = connect(name);
  socket.on('error', () => undefined); // it has just left
  await new Promise<void>((left) => socket.once('close', () => left()));
}
