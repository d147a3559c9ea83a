import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { bodyMaxBytes } from '@berth/domain/limits.js';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { documentOf } from './problem-document.js';
import type { ProblemFilter } from './problem.filter.js';

/** A client that sends slower than this is cut off; an answer may take longer. */
const requestTimeoutMs = 15_000;
/** Longer than load balancers keep theirs, so that we never close one they are about to use. */
const keepAliveTimeoutMs = 65_000;
const paramMaxChars = 256;

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Fastify with our limits. Its own errors go the way of all others. */
export function makeAdapter(filter: ProblemFilter): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: bodyMaxBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: paramMaxChars },
    return503OnClosing: false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => filter.send(error, request, reply),
    clientErrorHandler: refuseBrokenHttp,
  });
  const server = adapter.getInstance();
  server.removeContentTypeParser('text/plain'); // only JSON is read, but for routes that take bytes
  server.addContentTypeParser('application/octet-stream', (_, payload, done) => done(null, payload));
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers({ ...securityHeaders, 'x-request-id': request.id });
    done();
  });
  return adapter;
}

/** What is no HTTP gets a problem too, as far as the socket still takes it. */
function refuseBrokenHttp(error: Error, socket: Socket): void {
  if (!socket.writable || (error as { code?: string }).code === 'ECONNRESET') return void socket.destroy();
  const body = JSON.stringify(documentOf({ code: 'invalid-request', detail: 'this is not HTTP/1.1' }, randomUUID()));
  const head = ['HTTP/1.1 400 Bad Request', 'content-type: application/problem+json', `content-length: ${body.length}`];
  socket.end(`${head.join('\r\n')}\r\nconnection: close\r\n\r\n${body}`);
}
