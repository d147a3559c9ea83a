import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';

/** A way to a port that keeps all that goes there: what somebody sees who sits on the wire. */
export class TappedWire {
  readonly #chunks: Buffer[] = [];

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<TappedWire> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = new TappedWire(server);
    server.on('connection', (near) => {
      const far = connect(port, '127.0.0.1');
      near.on('data', (chunk) => wire.#chunks.push(Buffer.from(chunk)));
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    return wire;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** All bytes that went to the port, of all connections. */
  get seen(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  close(): void {
    this.server.close();
  }
}
