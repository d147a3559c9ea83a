import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exporter } from './entry.js';
import type { Metrics } from './metrics.js';

/** `healthy: false` answers 503; the rest is for people. */
export interface Health {
  readonly healthy: boolean;
  readonly [detail: string]: unknown;
}
export type HealthProbe = () => Health | Promise<Health>;

/** Answers GET /metrics and GET /health and says so; false = not for it. Lets a worker put more on the same port. */
export async function answerProbe<E extends Exporter>(
  metrics: Metrics<E>,
  health: HealthProbe,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const path = request.url?.split('?', 1)[0];
  if (request.method !== 'GET' || (path !== '/metrics' && path !== '/health')) return false;
  try {
    if (path === '/metrics') send(response, 200, metrics.registry.contentType, await metrics.expose());
    else sendHealth(response, await health());
  } catch (error) {
    sendHealth(response, { healthy: false, error: error instanceof Error ? error.message : String(error) });
  }
  return true;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What else the port answers to; ends every response it gets, and never rejects. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The internal port of a process: loopback unless told otherwise. Port 0 = any free one. */
export async function startMetricsServer<E extends Exporter>(
  metrics: Metrics<E>,
  health: HealthProbe,
  {
    port,
    host = '127.0.0.1',
    also = refuse,
  }: { readonly port: number; readonly host?: string; readonly also?: Answer },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  const answer: Answer = async (request, response) => {
    if (!(await answerProbe(metrics, health, request, response))) await also(request, response);
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function refuse(_: IncomingMessage, response: ServerResponse): Promise<void> {
  send(response, 404, 'text/plain', 'only GET /metrics and GET /health\n');
}

function sendHealth(response: ServerResponse, health: Health): void {
  send(response, health.healthy ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
