import type { Metrics } from '@berth/observability/metrics.js';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Counts every answer under its route's template, so that ids never become labels. */
export function measureRequests(server: FastifyInstance, metrics: Metrics<'api'>): void {
  const requests = metrics.get('berth_http_requests_total');
  const duration = metrics.get('berth_http_request_duration_seconds');
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    requests.inc({ route, method: request.method, status: reply.statusCode });
    if (!isWaiting(request)) duration.observe({ route, method: request.method }, reply.elapsedTime / 1000);
    done();
  });
}

/** Long polls and streams take as long as they are asked to. */
function isWaiting({ query, routeOptions }: FastifyRequest): boolean {
  const { wait, follow } = query as Record<string, unknown>;
  return wait !== undefined || follow !== undefined || routeOptions.url?.endsWith('/stream') === true;
}
