import type { Readable } from 'node:stream';
import {
  applyDecorators,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  type StreamableFile,
} from '@nestjs/common';
import type { ProblemCode } from '@berth/domain/problem.js';
import type { Role } from '@berth/domain/role.js';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Access } from '../access/access.js';

/**
 * All that is to be known about a route, in one place beside its handler: what may be sent, by whom, and what
 * comes back.
 */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under /v1, in Fastify's form: `/instances/:instance`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** Heading in the documentation. */
  readonly tag: string;
  /** The least role that may call it; `anyone` needs no token. */
  readonly role: Role | 'anyone';
  /** `?project=` names another project: for admins only. */
  readonly inProject?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Lower-case names; others pass unread. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Instead of a body: bytes of this type, handed to the handler as they come. */
  readonly bytes?: 'application/octet-stream';
  readonly status: 200 | 201 | 202;
  readonly answer: z.ZodType;
  /** Of the answer, when it is not application/json. */
  readonly mediaType?: string;
  /** Another answer that the same route can give, by its status. */
  readonly otherAnswers?: Readonly<Record<number, z.ZodType>>;
  /** Beyond those that every route can give. */
  readonly problems?: readonly ProblemCode[];
}

type Parsed<T> = T extends z.ZodType ? z.infer<T> : undefined;

/** What a handler gets: every part validated, defaults filled in. */
export interface InputOf<S extends RouteSpec> {
  readonly params: Parsed<S['params']>;
  readonly query: Parsed<S['query']>;
  readonly headers: Parsed<S['headers']>;
  readonly body: Parsed<S['body']>;
  readonly bytes: S['bytes'] extends string ? Readable : undefined;
  readonly access: S['role'] extends 'anyone' ? undefined : Access;
}

type OtherAnswer<S extends RouteSpec> =
  S['otherAnswers'] extends Readonly<Record<number, infer T extends z.ZodType>> ? z.input<T> : never;
/** What is no JSON comes as a stream. */
type AnswerOf<S extends RouteSpec> = S['mediaType'] extends string
  ? StreamableFile
  : z.input<S['answer']> | OtherAnswer<S>;

type Handler<S extends RouteSpec> = (input: InputOf<S>, reply: FastifyReply) => Promise<AnswerOf<S>>;

export const routeMetadata = 'berth:route';

export function route<const S extends RouteSpec>(spec: S): S {
  return spec;
}

/** Binds a handler to its route. The compiler holds the handler to what the route says. */
export function Serve<S extends RouteSpec>(
  spec: S,
): <H extends Handler<S>>(target: object, key: string, descriptor: TypedPropertyDescriptor<H>) => void {
  return applyDecorators(
    SetMetadata(routeMetadata, spec),
    RequestMapping({ path: `/v1${spec.path}`, method: RequestMethod[spec.method] }),
    HttpCode(spec.status),
  );
}
