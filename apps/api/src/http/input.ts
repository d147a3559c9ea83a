import { Readable } from 'node:stream';
import { createParamDecorator, Res, type ExecutionContext } from '@nestjs/common';
import { ProblemError, type FieldError } from '@berth/domain/problem.js';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Access } from '../access/access.js';
import type { InputOf, RouteSpec } from './route.js';

declare module 'fastify' {
  interface FastifyRequest {
    input?: InputOf<RouteSpec>;
  }
}

const fieldErrorsMax = 20;
const shownCharsMax = 200;

/** Parameter decorator: the request as the guard has checked it against its route. */
export const Input = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().input,
);

/** @throws ProblemError `invalid-request` that names every field at fault, wherever in the request it stands */
export function inputOf(spec: RouteSpec, request: FastifyRequest, access: Access | undefined): InputOf<RouteSpec> {
  if (!spec.bytes && request.body instanceof Readable) throw new ProblemError(onlyJson);
  const errors: FieldError[] = [];
  const read = (schema: z.ZodType | undefined, value: unknown, where: string): unknown => {
    const parsed = (schema ?? nothing).safeParse(value ?? undefined);
    if (parsed.success) return parsed.data;
    errors.push(...parsed.error.issues.flatMap((issue) => fieldErrors(issue, where)));
    return undefined;
  };
  const query = withoutProject(spec, request.query as Record<string, unknown>);
  const input = {
    params: read(spec.params, hasNone(spec.params, request.params), 'path'),
    query: read(spec.query, hasNone(spec.query, query), 'query'),
    headers: spec.headers && read(spec.headers, request.headers, 'header'),
    body: read(spec.body, spec.bytes ? undefined : request.body, 'body'),
    bytes: spec.bytes && read(readable, request.body, 'body'),
    access,
  };
  if (errors.length === 0) return input as InputOf<RouteSpec>;
  const [first] = errors;
  throw new ProblemError({
    code: 'invalid-request',
    detail: `${first!.field}: ${first!.message}${errors.length > 1 ? `, and ${errors.length - 1} more` : ''}`,
    errors: errors.slice(0, fieldErrorsMax),
  });
}

const readable = z.instanceof(Readable, { error: 'must be sent as application/octet-stream' });
const onlyJson = { code: 'unsupported-media-type', detail: 'send the body as application/json' } as const;

/** A route without a schema for a part takes none. */
const nothing = z.undefined({ error: 'this request takes none' });

function hasNone(schema: z.ZodType | undefined, part: unknown): unknown {
  return schema === undefined && Object.keys(part ?? {}).length === 0 ? undefined : part;
}

/** The guard has read it; no route's schema repeats it. */
function withoutProject(spec: RouteSpec, query: Record<string, unknown>): Record<string, unknown> {
  if (spec.inProject !== true) return query;
  const { project: _, ...rest } = query;
  return rest;
}

function fieldErrors(issue: z.core.$ZodIssue, where: string): FieldError[] {
  const path = issue.path.map(String);
  const at = (more: readonly string[]): string => cut(path.concat(more).join('.') || where);
  if (issue.code !== 'unrecognized_keys') return [{ field: at([]), message: cut(issue.message) }];
  return issue.keys.map((key) => ({ field: at([key]), message: 'is not a field of this request' }));
}

function cut(text: string): string {
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}...` : text;
}

/** Parameter decorator: for headers beside the answer, and for streams. */
export const Reply = (): ParameterDecorator => Res({ passthrough: true });
