import { problemCodes, problems, type ProblemCode } from '@berth/domain/problem.js';
import { z } from 'zod';
import type { RouteSpec } from '../http/route.js';

type Json = Record<string, unknown>;

/** Problems that any route may answer with, beside its own. */
const alwaysPossible: readonly ProblemCode[] = ['invalid-request', 'too-many-requests', 'internal', 'unavailable'];
const withToken: readonly ProblemCode[] = ['unauthenticated', 'forbidden'];
const withBody: readonly ProblemCode[] = ['payload-too-large', 'unsupported-media-type'];

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457. `code` is the stable part; `next` is one step to take.',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  additionalProperties: false,
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: problemCodes },
    detail: { type: 'string' },
    next: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
    context: { type: 'object' },
    requestId: { type: 'string' },
  },
};

const projectParameter: Json = {
  name: 'project',
  in: 'query',
  required: false,
  description: 'name or id of another project: admins only',
  schema: {
    type: 'string',
    pattern: '^[a-z0-9-]{1,63}$',
  },
};

/** The OpenAPI 3.1 document of what is served: made from the routes and the schemas that check and type them. */
export function openApiOf(routes: readonly RouteSpec[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Berth', version, description: 'A small cloud: real guests, placed, packed, healed and priced.' },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'berth_<id>_<secret>' } },
    },
  };
}

function operationOf(route: RouteSpec): Json {
  const { method, path, summary, description, tag, role, body, bytes } = route;
  return {
    operationId: method.toLowerCase() + path.replaceAll(/[/:-]+(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    tags: [tag],
    description: [description, role === 'anyone' ? 'Needs no token.' : `Needs the role ${role}.`]
      .filter(Boolean)
      .join(' '),
    security: role === 'anyone' ? [] : [{ token: [] }],
    'x-role': role,
    parameters: parametersOf(route),
    ...(body && bodyOf('application/json', schemaOf(body, 'input'))),
    ...(bytes && bodyOf(bytes, {})),
    responses: responsesOf(route),
  };
}

function bodyOf(mediaType: string, schema: Json): Json {
  return { requestBody: { required: true, content: { [mediaType]: { schema } } } };
}

function parametersOf({ params, query, headers, inProject }: RouteSpec): Json[] {
  const from = (schema: z.ZodObject | undefined, place: string): Json[] => {
    const { properties = {}, required = [] } = schema ? schemaOf(schema, 'input') : {};
    return Object.entries(properties as Record<string, Json>).map(([name, { description, ...property }]) => ({
      name,
      in: place,
      required: place === 'path' || (required as string[]).includes(name),
      ...(description !== undefined && { description }),
      schema: property,
    }));
  };
  const project = inProject === true ? [projectParameter] : [];
  return [...from(params, 'path'), ...from(query, 'query'), ...project, ...from(headers, 'header')];
}

function responsesOf(route: RouteSpec): Json {
  const { status, answer, mediaType = 'application/json', otherAnswers = {}, role, body, params, inProject } = route;
  const responses: Json = {};
  const answers: [number, z.ZodType][] = [
    [status, answer],
    ...Object.entries(otherAnswers).map(([code, schema]) => [Number(code), schema] as [number, z.ZodType]),
  ];
  for (const [code, schema] of answers) {
    responses[code] = { description: 'as asked', content: { [mediaType]: { schema: schemaOf(schema, 'output') } } };
  }
  const needsToken = role === 'anyone' ? [] : withToken;
  const codes = new Set([
    ...alwaysPossible,
    ...needsToken,
    ...(body || route.bytes ? withBody : []),
    ...(params || inProject ? ['not-found' as const] : []),
    ...(route.problems ?? []),
  ]);
  for (const problemStatus of new Set([...codes].map((code) => problems[code].status))) {
    responses[problemStatus] = problemResponse([...codes].filter((code) => problems[code].status === problemStatus));
  }
  return responses;
}

function problemResponse(codes: readonly ProblemCode[]): Json {
  return {
    description: codes.map((code) => `${code}: ${problems[code].title}`).join('; '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
