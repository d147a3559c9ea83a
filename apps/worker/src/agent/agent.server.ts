import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  consoleNextOffsetHeader,
  consoleParams,
  consolePathOf,
  consoleQuery,
  resumePathOf,
} from '@berth/contracts/agent.js';
import { probePathOf } from '@berth/contracts/engine.js';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { consoleMaxBytes } from '@berth/domain/limits.js';
import { EngineError } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { answerProbe, type HealthProbe } from '@berth/observability/metrics-server.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import { ConsoleStreams } from './console-streams.js';

const requestTimeoutMs = 5_000;
const probePath = new RegExp(`^${probePathOf('([^/]+)')}$`);
const consolePath = new RegExp(`^${consolePathOf('([^/]+)')}$`);

const resumePath = new RegExp(`^${resumePathOf('([^/]+)')}$`);

export interface AgentOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly table: VmmTable;
  /** Lets a guest that has arrived go on. Resolves to the HTTP status that says how things stand. */
  readonly resume: (vmmId: string) => Promise<number>;
  readonly metrics: Metrics<'worker'>;
  readonly health: HealthProbe;
  /** Tries a node's engines now; undefined: there is no such node, or nothing to try on it. */
  readonly probe: (nodeId: string) => Promise<EngineProbe | undefined>;
  readonly logger: Logger;
}

/** The worker's own port: measurements for everybody who reaches it, consoles for those who know the secret. */
export class AgentServer {
  private readonly server: Server;
  private readonly streams: ConsoleStreams;

  constructor(private readonly options: AgentOptions) {
    this.streams = new ConsoleStreams(options.table);
    this.server = createServer((request, response) => void this.answer(request, response));
    this.server.requestTimeout = requestTimeoutMs;
    this.server.on('upgrade', (request, socket, head) => {
      this.streams.accept(request, socket, head, this.knowsSecret(request));
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
      const [, arrivedId] = request.method === 'POST' ? (resumePath.exec(url.pathname) ?? []) : [];
      if (arrivedId !== undefined && this.knowsSecret(request)) {
        return void response.writeHead(await this.options.resume(arrivedId)).end();
      }
      const [, vmmId] = consolePath.exec(url.pathname) ?? [];
      const [, nodeId] = probePath.exec(url.pathname) ?? [];
      const isRead = request.method === 'GET' && vmmId !== undefined;
      const isProbe = request.method === 'POST' && nodeId !== undefined;
      if (!isRead && !isProbe) return void response.writeHead(404).end();
      if (!this.knowsSecret(request)) return void response.writeHead(401).end();
      await (isRead ? this.sendConsole(vmmId, url, response) : this.probe(nodeId!, response));
    } catch (error) {
      if (error instanceof EngineError && error.code === 'not-found') return void response.writeHead(404).end();
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

  private async probe(nodeId: string, response: ServerResponse): Promise<void> {
    const found = await this.options.probe(nodeId);
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
  }

  private knowsSecret({ headers }: IncomingMessage): boolean {
    const given = Buffer.from(headers.authorization ?? '');
    const expected = Buffer.from(`Bearer ${this.options.secret}`);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
