import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { consoleStreamPathOf, screenStreamPathOf } from '@berth/contracts/agent.js';
import { consoleTokenSubprotocol, consoleWays } from '@berth/contracts/http/console.js';
import type { ConsoleSessionRepository, OpenedConsole } from '@berth/database/console-session.repository.js';
import { readToken } from '@berth/database/token-secret.js';
import { consoleKinds, type ConsoleKind } from '@berth/domain/console-kind.js';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { Throttle } from './throttle.js';

const sessionsMax = 256;
const agentTimeoutMs = 3_000;
/** A revoked token ends its consoles as soon as it ends its requests. */
const checkIntervalMs = 3_000;
/** More than anybody types, and more than a serial line of a PC carried. */
const inputBytesPerSecond = 32 * 1024;
const outputBytesPerSecond = 4 * 1024 * 1024;
/** 1008 of RFC 6455, section 7.4.1. */
const policyViolation = 1008;

/** Of a WebSocket. A fragment keeps all that came with it, up to 64 KiB, until its message is whole. */
const bounds = { maxPayload: 64 * 1024, maxFragments: 64, closeTimeout: 3_000 };

const streamPathOf = { serial: consoleStreamPathOf, screen: screenStreamPathOf } as const;

/**
 * The WebSocket between a person and a serial console or a screen. The right to it is a session's token, good for one
 * connection; a page of another origin cannot use it, and bytes pass only to the agent of the node that the record
 * names.
 */
export class ConsoleGateway {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    ...bounds,
    perMessageDeflate: false,
    handleProtocols: (_, request) => consoleWays[kindOf(request) ?? 'serial'].subprotocol,
  });

  /** Sessions that have joined or are about to. */
  private readonly held = new Set<string>();

  constructor(
    private readonly sessions: Pick<ConsoleSessionRepository, 'connect' | 'mayGoOn' | 'close'>,
    private readonly agentSecret: string,
    private readonly origins: readonly string[],
  ) {}

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => void this.accept(request, socket, head));
  }

  onModuleDestroy(): void {
    for (const webSocket of this.sockets.clients) webSocket.terminate();
  }

  private async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      const kind = kindOf(request);
      if (!kind) return refuse(socket, '404 Not Found');
      if (!this.mayCome(request)) return refuse(socket, '403 Forbidden');
      if (this.held.size >= sessionsMax) return refuse(socket, '429 Too Many Requests');
      const token = tokenOf(request, kind);
      const opened = token && (await this.sessions.connect(token.id, token.secretHash, kind));
      if (!opened) return refuse(socket, '401 Unauthorized');
      const isFull = this.held.size >= sessionsMax; // as many may have come meanwhile
      if (!isFull) this.held.add(opened.id);
      const line = isFull ? undefined : await this.lineTo(opened, kind).catch(() => undefined);
      const person = line && this.upgrade(request, socket, head);
      if (person) return this.join(opened, person, line);
      line?.destroy();
      await this.leave(opened);
      if (!line) refuse(socket, isFull ? '429 Too Many Requests' : '504 Gateway Timeout');
    } catch {
      refuse(socket, '503 Service Unavailable'); // the record cannot be reached
    }
  }

  /** Undefined: whoever asked is gone, or spoke no WebSocket's words; it has its answer. */
  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): WebSocket | undefined {
    const upgraded: WebSocket[] = [];
    this.sockets.handleUpgrade(request, socket, head, (person) => upgraded.push(person)); // at once or never
    return upgraded[0];
  }

  private join(opened: OpenedConsole, person: WebSocket, line: Duplex): void {
    const screen = createWebSocketStream(person);
    person.once('error', () => line.destroy()); // the stream itself waits until the other end has closed too
    const check = setInterval(() => {
      const end = (): void => person.close(policyViolation, 'the session is over');
      this.sessions.mayGoOn(opened.id).then((may) => (may ? undefined : end()), end);
    }, checkIntervalMs);
    const end = (): void => {
      clearInterval(check);
      person.close();
      line.destroy();
      void this.leave(opened).catch(() => undefined); // its time runs out by itself
    };
    pipeline(screen, new Throttle(inputBytesPerSecond), line, end);
    pipeline(line, new Throttle(outputBytesPerSecond), screen, end);
  }

  private async leave({ id }: OpenedConsole): Promise<void> {
    this.held.delete(id);
    await this.sessions.close(id);
  }

  /** Browsers always say which page asks; what is no browser can say so too. */
  private mayCome({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin === undefined) return false;
    return this.origins.includes(origin) || (isLoopback(host) && origin === `http://${host}`);
  }

  /** Undefined: the agent does not answer, or knows no such vmm. */
  private async lineTo({ agentUrl, vmmId }: OpenedConsole, kind: ConsoleKind): Promise<Duplex | undefined> {
    const url = `${agentUrl.replace(/^http/, 'ws')}${streamPathOf[kind](vmmId)}`;
    const headers = { authorization: `Bearer ${this.agentSecret}` };
    const agent = new WebSocket(url, { headers, handshakeTimeout: agentTimeoutMs, perMessageDeflate: false });
    const line = createWebSocketStream(agent); // at once: the kept tail comes with the handshake's last bytes
    line.on('error', () => line.destroy());
    return once(agent, 'open').then(
      () => line,
      () => undefined,
    );
  }
}

function kindOf({ url }: IncomingMessage): ConsoleKind | undefined {
  return consoleKinds.find((kind) => consoleWays[kind].webSocketPath === url);
}

function tokenOf({ headers }: IncomingMessage, kind: ConsoleKind): ReturnType<typeof readToken> {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  if (!offered.includes(consoleWays[kind].subprotocol)) return undefined;
  const given = offered.find((text) => text.startsWith(consoleTokenSubprotocol));
  return readToken(given?.slice(consoleTokenSubprotocol.length) ?? '');
}

/** A name that somebody else's server could give this address does not count: only the address itself does. */
function isLoopback(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '');
}

/** Closed by both ends, even if the other keeps its own open. */
function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
