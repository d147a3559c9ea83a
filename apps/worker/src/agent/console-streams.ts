import type { IncomingMessage } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { consoleParams, consoleStreamPathOf } from '@berth/contracts/agent.js';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { VmmTable } from '../vmms/vmm-table.js';

const streamPath = new RegExp(`^${consoleStreamPathOf('([^/]+)')}$`);
const messageMaxBytes = 64 * 1024;

/** Serial lines as WebSockets, for the control plane. */
export class ConsoleStreams {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageMaxBytes,
    perMessageDeflate: false,
  });

  constructor(private readonly table: VmmTable) {}

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, knowsSecret: boolean): void {
    socket.on('error', () => socket.destroy());
    const [, vmmId] = streamPath.exec(new URL(request.url ?? '/', 'http://agent').pathname) ?? [];
    const params = consoleParams.safeParse({ vmmId });
    if (!knowsSecret) return refuse(socket, '401 Unauthorized');
    const vmm = params.success ? this.table.get(params.data.vmmId) : undefined;
    if (!vmm || vmm.end) return refuse(socket, '404 Not Found');
    this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      const line = vmm.driver.console(vmm.handle);
      pipeline(stream, line, stream, () => webSocket.close());
    });
  }

  close(): void {
    for (const webSocket of this.sockets.clients) webSocket.terminate();
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
