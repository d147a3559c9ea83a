import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut: aloud, or as by a cable that is pulled. */
export class BreakableWay {
  private readonly sockets: Socket[] = [];

  private constructor(private readonly server: Server) {}

  static async to({ host, port }: { readonly host: string; readonly port: number }): Promise<BreakableWay> {
    const server = createServer((near) => {
      const far = connect(port, host);
      way.sockets.push(near, far);
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.pipe(far).pipe(near);
    });
    const way = new BreakableWay(server);
    server.listen(0, host);
    await once(server, 'listening');
    return way;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  silence(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  close(): void {
    this.end();
    this.server.close();
  }
}
