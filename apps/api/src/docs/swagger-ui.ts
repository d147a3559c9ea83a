import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';

/** The page loads its own scripts and styles and nothing from elsewhere: it works without the Internet. */
const pagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** The document as a page to read and try, at /docs. */
export function serveDocs(app: NestFastifyApplication, document: Record<string, unknown>): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, reply, done) => {
      if (request.url.startsWith('/docs')) void reply.header('content-security-policy', pagePolicy);
      done();
    });
  const options = {
    raw: false,
    customSiteTitle: 'Berth API',
    swaggerOptions: { persistAuthorization: false },
  } as const;
  SwaggerModule.setup('docs', app, document as Partial<OpenAPIObject> as OpenAPIObject, options);
}
