import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { EngineError } from '../driver.js';
import type { Departure, MigrationAddress, MigrationOrder } from '../migration.js';
import type { ModelVmm } from './model-vmm.js';

const tickMs = 10;
const luggageMaxChars = 4096;

/** Waits for one guest on a port; one that stops on the way, or brings nonsense, ends the vmm. */
export async function listenForModel(vmm: ModelVmm, host: string): Promise<MigrationAddress> {
  const server = createServer((socket) => {
    server.close();
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => undefined); // 'close' follows
    socket.on('data', (chunk: string) => {
      text = (text + chunk).slice(0, luggageMaxChars);
      if (text.endsWith('\n') && vmm.arrive(text)) socket.end('loaded\n');
    });
    socket.on('close', () => vmm.endUnarrived());
    vmm.onEnd(() => socket.destroy());
  });
  vmm.onEnd(() => server.close());
  server.listen(0, host);
  await once(server, 'listening');
  return { host, port: (server.address() as AddressInfo).port };
}

/** Takes as long as the guest's memory does at the bandwidth given; nothing but the luggage is sent. */
export async function sendModel(vmm: ModelVmm, order: MigrationOrder): Promise<Departure> {
  const startedAtMs = performance.now();
  const totalBytes = vmm.stats().residentMib * 2 ** 20;
  const durationMs = (1000 * totalBytes) / order.bandwidthBytesPerSecond;
  const socket = connect(order.to.port, order.to.host);
  socket.on('error', () => undefined);
  vmm.onEnd(() => socket.destroy());
  try {
    vmm.place = 'leaving';
    await connected(socket);
    for (let done = 0; done < 1;) {
      await new Promise((resolve) => setTimeout(resolve, tickMs));
      order.signal.throwIfAborted();
      if (socket.destroyed || vmm.isGone) throw new EngineError('migration-failed', 'the connection ended');
      done = durationMs === 0 ? 1 : Math.min(1, (performance.now() - startedAtMs) / durationMs);
      const remainingBytes = Math.round((1 - done) * totalBytes);
      const sent = { sentBytes: totalBytes - remainingBytes, remainingBytes, totalBytes, passes: 1 };
      const rates = { bytesPerSecond: order.bandwidthBytesPerSecond, dirtyBytesPerSecond: 0 };
      order.onProgress?.({ phase: 'memory', percent: Math.floor(100 * done), ...sent, ...rates });
    }
    const stoppedAtMs = performance.now();
    const packed = vmm.halt();
    await order.beforeSwitchover?.();
    order.signal.throwIfAborted();
    socket.write(`${JSON.stringify(packed)}\n`);
    await loaded(socket);
    vmm.place = 'left';
    const sent = { method: order.method, sentBytes: totalBytes, encrypted: false };
    return { ...sent, durationMs: performance.now() - startedAtMs, stoppedAtMs };
  } catch (error) {
    if (!vmm.isGone) vmm.goOn();
    throw error;
  } finally {
    socket.destroy();
  }
}

function connected(socket: Socket): Promise<void> {
  return settled(socket, 'connect');
}

function loaded(socket: Socket): Promise<void> {
  return settled(socket, 'data');
}

function settled(socket: Socket, event: 'connect' | 'data'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('close', () => reject(new EngineError('migration-failed', 'the connection ended')));
  });
}
