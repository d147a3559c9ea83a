import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { MachineState } from './machine.js';
import { arrivalOrder, lengthBytes, tlsContextOf, type Credentials } from './move-order.js';
import { unpackState } from './saved-state.js';

/** What a state has beside the guest's memory: devices, and the emulator's own. */
const besideMemoryMib = 64;

interface Ends {
  /** The guest is taken up, and stands still. */
  readonly take: (state: MachineState) => Promise<void>;
  /** It will never come. */
  readonly give: (error: Error) => void;
}

/** A vmm that waits for one guest; what stops on the way ends it. */
export class Arriving {
  #address: Promise<{ host: string; port: number }> | undefined;
  #isHere = false;

  constructor(
    private readonly memoryMib: number,
    private readonly ends: Ends,
  ) {}

  /** All of it is here, and its source has let go of it. */
  get isHere(): boolean {
    return this.#isHere;
  }

  /** Again gives the same address. */
  listen(order: unknown): Promise<{ host: string; port: number }> {
    return (this.#address ??= this.#listen(order));
  }

  async #listen(order: unknown): Promise<{ host: string; port: number }> {
    const { host, credentials } = arrivalOrder.parse(order);
    const welcome = (socket: Socket): void => {
      server.close();
      this.#welcome(socket).catch(this.ends.give);
    };
    const server = credentials ? tlsServer(credentials, welcome) : createServer(welcome);
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { host, port };
  }

  /** @throws when it does not come whole */
  async #welcome(socket: Socket): Promise<void> {
    const maxBytes = (this.memoryMib + besideMemoryMib) * 2 ** 20;
    const chunks: Buffer[] = [];
    let [neededBytes, receivedBytes] = [lengthBytes, 0];
    let loading: Promise<void> | undefined;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      receivedBytes += chunk.length;
      if (neededBytes === lengthBytes && receivedBytes >= lengthBytes) {
        neededBytes += Number(Buffer.concat(chunks).readBigUInt64BE(0));
        if (neededBytes > maxBytes) throw new Error(`a guest of ${neededBytes} bytes is larger than this machine`);
      }
      if (neededBytes === lengthBytes || receivedBytes < neededBytes) continue;
      loading ??= this.ends.take(unpackState(Buffer.concat(chunks).subarray(lengthBytes, neededBytes), this.memoryMib));
      await loading;
      if (receivedBytes === neededBytes) continue;
      this.#isHere = true;
      await new Promise<void>((resolve) => socket.end('.', resolve));
      return;
    }
    throw new Error('the guest did not come');
  }
}

/** Lets nobody in but the peer, who asks for it by name: a server's own context has no way to trust a node alone. */
function tlsServer(credentials: Credentials, welcome: (socket: Socket) => void): Server {
  const server = createTlsServer({ requestCert: true, rejectUnauthorized: true }, (socket) => {
    if (socket.getPeerCertificate().subject.CN === credentials.peer) welcome(socket);
    else socket.destroy();
  });
  server.addContext('*', tlsContextOf(credentials));
  return server;
}
