import { Catch, HttpException, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { problems, type Problem } from '@berth/domain/problem.js';
import type { Logger } from '@berth/observability/logger.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteSpec } from './route.js';
import { methodsAt } from './routes.js';
import { documentOf, problemOf } from './problem-document.js';

const retryAfterSeconds = { 'too-many-requests': 1, unavailable: 2 } as const;

/** The one way an error leaves the API. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly routes: readonly RouteSpec[],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.send(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const methods = error instanceof NotFoundException ? methodsAt(request.url.split('?', 1)[0]!, this.routes) : [];
    if (methods.length > 0) void reply.header('allow', methods.join(', '));
    const problem = error instanceof HttpException ? ofFramework(error, methods) : problemOf(error);
    const { status } = problems[problem.code];
    if (status >= 500) this.logger.error({ err: error, requestId: request.id, code: problem.code }, 'request failed');
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    const retryAfter = (retryAfterSeconds as Partial<Record<string, number>>)[problem.code];
    if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply
      .status(status)
      .type('application/problem+json')
      .send(JSON.stringify(documentOf(problem, request.id)));
  }
}

/** Nest throws its own errors for what never reaches a handler. */
function ofFramework(error: HttpException, methods: readonly string[]): Problem {
  if (methods.length > 0) return { code: 'method-not-allowed', detail: `it answers to ${methods.join(', ')}` };
  if (error instanceof NotFoundException)
    return { code: 'not-found', detail: 'there is no such route', next: 'see /docs' };
  return problemOf(Object.assign(new Error(error.message), { statusCode: error.getStatus() }));
}
