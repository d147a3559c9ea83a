import { openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

const tailBytes = 64 * 1024;
const clientsMax = 8;
/** One who reads too slowly is let go, and may come back for the tail. */
const unreadMaxBytes = 1024 * 1024;
const socketName = 'serial.sock';

/** What the guest says on its serial line: kept within bounds in two halves, and passed on to who listens. */
export class SerialConsole {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #log = openSync('serial.log', 'a', 0o600);
  #logBytes = 0;
  #said: number[] = [];

  constructor(
    private readonly maxBytes: number,
    onTyped: (bytes: Buffer) => void,
  ) {
    this.#server = createServer((client) => this.#welcome(client, onTyped)).listen(socketName);
  }

  /** Bytes come one at a time; they are written together when the machine pauses for breath. */
  readonly say = (byte: number): void => {
    if (this.#said.push(byte) === 1) setImmediate(() => this.flush());
  };

  flush(): void {
    if (this.#said.length === 0) return;
    const output = Buffer.from(this.#said);
    this.#said = [];
    this.#keep(output);
    for (const client of this.#clients) {
      if (client.writableLength > unreadMaxBytes) client.destroy();
      else client.write(output);
    }
  }

  /** Whether its last words hold the text. */
  tailHolds(text: string, withinBytes: number): boolean {
    this.flush();
    return this.#tail().subarray(-withinBytes).includes(text);
  }

  close(): void {
    this.flush();
    this.#server.close();
    rmSync(socketName, { force: true });
  }

  #keep(output: Buffer): void {
    try {
      writeSync(this.#log, output);
    } catch {
      return; // a full disk loses console output, not the guest
    }
    this.#logBytes += output.length;
    if (this.#logBytes < this.maxBytes / 2) return;
    renameSync('serial.log', 'serial.log.1');
    this.#log = openSync('serial.log', 'w', 0o600);
    this.#logBytes = 0;
  }

  #welcome(client: Socket, onTyped: (bytes: Buffer) => void): void {
    client.on('error', () => undefined); // 'close' follows
    if (this.#clients.size >= clientsMax) return void client.destroy();
    client.write(this.#tail());
    client.on('data', onTyped);
    client.once('close', () => this.#clients.delete(client));
    this.#clients.add(client);
  }

  #tail(): Buffer {
    const halves = ['serial.log.1', 'serial.log'].map((path) => {
      try {
        return readFileSync(path);
      } catch {
        return Buffer.alloc(0);
      }
    });
    return Buffer.concat(halves).subarray(-tailBytes);
  }
}
