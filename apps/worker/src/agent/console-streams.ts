import type { IncomingMessage } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { consoleParams, consoleStreamPathOf, screenStreamPathOf } from '@berth/contracts/agent.js';
import { EngineError, showsScreen } from '@berth/engine/driver.js';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';

const pathOf = (make: (id: string) => string): RegExp => new RegExp(`^${make('([^/]+)')}$`);
const ways: readonly { readonly path: RegExp; readonly open: (vmm: Vmm) => Promise<Duplex> }[] = [
  { path: pathOf(consoleStreamPathOf), open: async ({ driver, handle }) => driver.console(handle) },
  { path: pathOf(screenStreamPathOf), open: screenOf },
];
const messageMaxBytes = 64 * 1024;

/** Serial lines and screens as WebSockets, for the control plane. What passes is not looked into. */
export class ConsoleStreams {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageMaxBytes,
    perMessageDeflate: false,
  });

  constructor(private readonly table: VmmTable) {}

  async accept(request: IncomingMessage, socket: Duplex, head: Buffer, knowsSecret: boolean): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (!knowsSecret) return refuse(socket, '401 Unauthorized');
    const [pathname = ''] = (request.url ?? '').split('?');
    const way = ways.find(({ path }) => path.test(pathname));
    const [, vmmId] = way?.path.exec(pathname) ?? [];
    const params = consoleParams.safeParse({ vmmId });
    const vmm = params.success ? this.table.get(params.data.vmmId) : undefined;
    if (!way || !vmm || vmm.end) return refuse(socket, '404 Not Found');
    try {
      const line = await way.open(vmm);
      line.on('error', () => line.destroy());
      if (socket.destroyed) return void line.destroy();
      socket.once('close', () => line.destroy());
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const stream = createWebSocketStream(webSocket);
        pipeline(stream, line, stream, () => webSocket.close());
      });
    } catch (error) {
      const hasNone = error instanceof EngineError && error.code === 'no-screen';
      refuse(socket, hasNone ? '409 Conflict' : '503 Service Unavailable');
    }
  }

  close(): void {
    for (const webSocket of this.sockets.clients) webSocket.terminate();
  }
}

function screenOf({ driver, handle }: Vmm): Promise<Duplex> {
  if (showsScreen(driver)) return driver.screen(handle);
  throw new EngineError('no-screen', `engine ${driver.name} shows no screens`);
}

/** Closed by both ends, even if the other keeps its own open. */
function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
