import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { monotonicMs } from '../../vmm/clock.js';
import type { Machine } from './machine.js';
import { departureOrder, lengthBytes, tlsContextOf, type DepartureOrder } from './move-order.js';
import { packState } from './saved-state.js';

const chunkBytes = 256 * 1024;
const connectLimitMs = 5_000;

/**
 * none: no guest is on its way. sending: it is. switchover: all but the last byte is sent. released: that too, and only
 * the target knows whether it came, also when nothing will be heard of it any more. left: all of it is there. failed:
 * it will not be.
 */
export type DepartureStatus = 'none' | 'sending' | 'switchover' | 'released' | 'left' | 'failed';

/** A guest that leaves. It stands still from before its first byte is sent, and never goes on by itself. */
export class Departing {
  #status: DepartureStatus = 'none';
  #why = '';
  #sentBytes = 0;
  #totalBytes = 0;
  #socket: Socket | undefined;
  #sending = Promise.resolve();
  #switchOver: () => void = () => undefined;

  constructor(
    private readonly machine: Pick<Machine, 'pause' | 'save'>,
    private readonly memoryMib: number,
    private readonly tell: (event: string) => void,
  ) {}

  get status(): DepartureStatus {
    return this.#status;
  }

  show() {
    return { status: this.#status, error: this.#why, sentBytes: this.#sentBytes, totalBytes: this.#totalBytes };
  }

  begin(order: unknown): void {
    if (this.#status !== 'none') throw new Error(`a guest is ${this.#status} already`);
    const where = departureOrder.parse(order);
    [this.#sentBytes, this.#totalBytes] = [0, 0];
    this.#become('sending');
    const socket = connectTo(where);
    this.#socket = socket;
    this.#sending = this.#send(socket, where).then(
      () => void (this.#isOf(socket) && this.#become('left')),
      (error: unknown) => {
        if (!this.#isOf(socket)) return;
        this.#why = error instanceof Error ? error.message : String(error);
        this.#become(this.#status === 'released' ? 'released' : 'failed');
      },
    );
  }

  switchOver(): void {
    this.#switchOver();
  }

  /** Calls it off. Once resolved, the guest belongs to nobody but this machine. */
  async forget(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
    await this.#sending; // it may be about to stop the guest
    this.#status = 'none';
  }

  async #send(socket: Socket, { credentials, bytesPerSecond }: DepartureOrder): Promise<void> {
    const broken = new AbortController();
    socket.on('error', (error) => broken.abort(error));
    for (const event of ['end', 'close']) socket.once(event, () => broken.abort(new Error('the connection ended')));
    const heard = async (event: string): Promise<void> => {
      await once(socket, event, { signal: broken.signal }).catch(() => broken.signal.throwIfAborted());
    };
    await heard(credentials ? 'secureConnect' : 'connect');
    socket.setTimeout(0);
    await this.machine.pause();
    this.tell('STOP');
    const state = Buffer.concat(packState(this.memoryMib, await this.machine.save()));
    this.#totalBytes = state.length;
    const length = Buffer.alloc(lengthBytes);
    length.writeBigUInt64BE(BigInt(state.length));
    socket.write(length);
    const startedAtMs = monotonicMs();
    while (this.#sentBytes < state.length) {
      const next = Math.min(state.length, this.#sentBytes + chunkBytes);
      if (!socket.write(state.subarray(this.#sentBytes, next))) await heard('drain');
      broken.signal.throwIfAborted();
      this.#sentBytes = next;
      const aheadMs = (1000 * next) / bytesPerSecond - (monotonicMs() - startedAtMs);
      if (aheadMs > 1) await wait(aheadMs, undefined, broken).catch(() => broken.signal.throwIfAborted());
    }
    broken.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#switchOver = resolve;
      broken.signal.addEventListener('abort', () => reject(broken.signal.reason as Error));
      this.#become('switchover');
    });
    await immediate(); // hears first what the kernel knows of the target: only one that ends from here on is in doubt
    broken.signal.throwIfAborted();
    this.#become('released');
    socket.write('.');
    await heard('data');
  }

  #isOf(socket: Socket): boolean {
    return this.#socket === socket;
  }

  #become(status: DepartureStatus): void {
    this.#status = status;
    this.tell('MIGRATION');
  }
}

function connectTo({ host, port, credentials }: DepartureOrder): Socket {
  const socket = credentials
    ? connectTls({
        secureContext: tlsContextOf(credentials),
        servername: credentials.peer,
        host,
        port,
        checkServerIdentity: (_, { subject }) =>
          subject.CN === credentials.peer ? undefined : new Error(`the other end is ${String(subject.CN)}`),
      })
    : connect(port, host);
  return socket.setTimeout(connectLimitMs, () => socket.destroy(new Error('the target does not answer')));
}
