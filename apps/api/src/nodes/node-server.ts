import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '@berth/observability/metrics-server.js';

/** What a node may GET, by the one key in its path. */
export interface NodeRoute {
  readonly path: RegExp;
  readonly answer: (key: string, response: ServerResponse) => Promise<void>;
}

/** What nodes ask of the control plane, on the internal port, with the secret of the agents. */
export function nodeServer(secret: string, routes: readonly NodeRoute[]): Answer {
  return async (request, response) => {
    const route = routes.find(({ path }) => path.test(request.url ?? ''));
    const [, key] = route?.path.exec(request.url ?? '') ?? [];
    if (request.method !== 'GET' || !route || key === undefined) return void response.writeHead(404).end();
    if (!knows(secret, request)) return void response.writeHead(401).end();
    await route.answer(key, response).catch(() => response.destroy());
  };
}

function knows(secret: string, { headers }: IncomingMessage): boolean {
  const given = Buffer.from(headers.authorization ?? '');
  const expected = Buffer.from(`Bearer ${secret}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
