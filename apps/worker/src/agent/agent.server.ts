import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  consoleNextOffsetHeader,
  consoleParams,
  consolePathOf,
  consoleQuery,
  execPathOf,
  memoryPathOf,
  type MemoryOffer,
  restPathOf,
  resumePathOf,
  screenshotPathOf,
} from '@berth/contracts/agent.js';
import { probePathOf } from '@berth/contracts/engine.js';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { consoleMaxBytes } from '@berth/domain/limits.js';
import { EngineError, showsScreen } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { answerProbe, type HealthProbe } from '@berth/observability/metrics-server.js';
import type { RestAnswer } from '../migrations/rest-arrivals.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { ConsoleStreams } from './console-streams.js';
import { GuestCommands } from './guest-commands.js';

const requestTimeoutMs = 5_000;
interface AgentRoute {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  readonly serve: (id: string, url: URL, response: ServerResponse, request: IncomingMessage) => Promise<void>;
}

export interface AgentOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly table: VmmTable;
  /** Lets a guest that has arrived go on. Resolves to the HTTP status that says how things stand. */
  readonly resume: (vmmId: string) => Promise<number>;
  /** Where the rest of a guest's memory is taken now; undefined: ask again. @throws EngineError not-found */
  readonly receiveRest: (vmmId: string) => Promise<RestAnswer>;
  /** Where a guest's memory is; undefined: there is no such vmm. */
  readonly offerMemory: (vmmId: string) => Promise<MemoryOffer | undefined>;
  readonly metrics: Metrics<'worker'>;
  readonly health: HealthProbe;
  /** Tries a node's engines now; undefined: there is no such node, or nothing to try on it. */
  readonly probe: (nodeId: string) => Promise<EngineProbe | undefined>;
  readonly logger: Logger;
}

/** The worker's own port: measurements for everybody who reaches it, consoles for those who know the secret. */
export class AgentServer {
  private readonly routes: readonly AgentRoute[] = [
    { method: 'GET', path: pathOf(consolePathOf), serve: (id, url, response) => this.sendConsole(id, url, response) },
    { method: 'GET', path: pathOf(screenshotPathOf), serve: (id, _, response) => this.sendScreenshot(id, response) },
    {
      method: 'POST',
      path: pathOf(execPathOf),
      serve: (id, _, response, request) => this.commands.run(id, request, response),
    },
    { method: 'POST', path: pathOf(probePathOf), serve: (id, _, response) => this.probe(id, response) },
    {
      method: 'GET',
      path: pathOf(memoryPathOf),
      serve: async (id, _, response) => sendJson(response, await this.options.offerMemory(id)),
    },
    {
      method: 'POST',
      path: pathOf(resumePathOf),
      serve: async (id, _, response) => void response.writeHead(await this.options.resume(id)).end(),
    },
    {
      method: 'POST',
      path: pathOf(restPathOf),
      serve: async (id, _, response) => {
        const { status, address } = await this.options.receiveRest(id);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(address ?? {}));
      },
    },
  ];
  private readonly server: Server;
  private readonly streams: ConsoleStreams;
  private readonly commands: GuestCommands;

  constructor(private readonly options: AgentOptions) {
    this.streams = new ConsoleStreams(options.table);
    this.commands = new GuestCommands(options.table);
    this.server = createServer((request, response) => void this.answer(request, response));
    this.server.requestTimeout = requestTimeoutMs;
    this.server.on('upgrade', (request, socket, head) => {
      void this.streams.accept(request, socket, head, this.knowsSecret(request));
    });
  }

  /** Resolves to the URL under which the control plane finds it. */
  async listen(): Promise<string> {
    this.server.listen(this.options.port, this.options.host);
    await once(this.server, 'listening');
    return `http://${this.options.host}:${this.port}`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.streams.close();
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, health, logger } = this.options;
    try {
      if (await answerProbe(metrics, health, request, response)) return;
      const url = new URL(request.url ?? '/', 'http://agent');
      const route = this.routes.find(({ method, path }) => method === request.method && path.test(url.pathname));
      const [, id] = route?.path.exec(url.pathname) ?? [];
      if (!route || id === undefined) return void response.writeHead(404).end();
      if (!this.knowsSecret(request)) return void response.writeHead(401).end();
      await route.serve(id, url, response, request);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'not-found') return void response.writeHead(404).end();
      if (error instanceof EngineError && error.code === 'no-screen') return void response.writeHead(409).end();
      logger.error({ error, path: request.url }, 'agent request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  }

  private async sendConsole(vmmId: string, url: URL, response: ServerResponse): Promise<void> {
    const params = consoleParams.safeParse({ vmmId });
    const query = consoleQuery.safeParse(Object.fromEntries(url.searchParams));
    if (!params.success || !query.success) return void response.writeHead(400).end();
    const vmm = this.options.table.get(params.data.vmmId);
    if (!vmm) return void response.writeHead(404).end();
    const kept = await vmm.driver.consoleTail(vmm.handle, consoleMaxBytes);
    const from = query.data.offset > kept.length ? 0 : query.data.offset;
    const bytes = kept.subarray(from, from + query.data.limit);
    const headers = { 'content-type': 'application/octet-stream', [consoleNextOffsetHeader]: from + bytes.length };
    response.writeHead(200, headers).end(bytes);
  }

  private async sendScreenshot(vmmId: string, response: ServerResponse): Promise<void> {
    const vmm = this.options.table.get(vmmId);
    if (!vmm || vmm.end) return void response.writeHead(404).end();
    if (!showsScreen(vmm.driver)) return void response.writeHead(409).end();
    const picture = await vmm.driver.screenshot(vmm.handle);
    response.writeHead(200, { 'content-type': 'image/png' }).end(picture);
  }

  private async probe(nodeId: string, response: ServerResponse): Promise<void> {
    sendJson(response, await this.options.probe(nodeId));
  }

  private knowsSecret({ headers }: IncomingMessage): boolean {
    const given = Buffer.from(headers.authorization ?? '');
    const expected = Buffer.from(`Bearer ${this.options.secret}`);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

/** Undefined: there is no such thing. */
function sendJson(response: ServerResponse, body: object | undefined): void {
  if (!body) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Of a path with one id in it. */
const pathOf = (make: (id: string) => string): RegExp => new RegExp(`^${make('([^/]+)')}$`);
