import { Socket } from 'node:net';

/** Of the socket that is the standard input and output of this process; its other end is the guard's. */
const descriptor = 0;
/** A guard that does not read loses what the guest says, and does not hold it up. */
const unreadMaxBytes = 1024 * 1024;
const endTimeoutMs = 1000;

/** The guest's serial line. The guard keeps what it says, and passes on what is typed. */
export class SerialLine {
  readonly #socket = new Socket({ fd: descriptor, readable: true, writable: true });
  #said: number[] = [];
  #tail = Buffer.alloc(0);

  /** `onGone`: the guard is no more. */
  constructor(
    private readonly tailBytes: number,
    onTyped: (bytes: Buffer) => void,
    onGone: () => void,
  ) {
    this.#socket.on('data', onTyped);
    this.#socket.on('error', onGone);
    this.#socket.on('end', onGone);
  }

  /** Bytes come one at a time; they are sent together when the machine pauses for breath. */
  readonly say = (byte: number): void => {
    if (this.#said.push(byte) === 1) setImmediate(() => this.#flush());
  };

  /** Whether its last words hold the text. */
  tailHolds(text: string): boolean {
    this.#flush();
    return this.#tail.includes(text);
  }

  /** Resolves when all is sent, or nobody takes it. */
  close(): Promise<void> {
    this.#flush();
    return new Promise((resolve) => {
      setTimeout(resolve, endTimeoutMs).unref();
      this.#socket.end(resolve);
    });
  }

  #flush(): void {
    if (this.#said.length === 0) return;
    const output = Buffer.from(this.#said);
    this.#said = [];
    this.#tail = Buffer.concat([this.#tail, output]).subarray(-this.tailBytes);
    if (this.#socket.writableLength <= unreadMaxBytes) this.#socket.write(output);
  }
}
