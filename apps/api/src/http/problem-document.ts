import { problems, ProblemError, type Problem } from '@berth/domain/problem.js';

/** `application/problem+json` (RFC 9457). `code` is the stable part; `next` is one step to take. */
export interface ProblemDocument extends Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly requestId: string;
}

export function documentOf(problem: Problem, requestId: string): ProblemDocument {
  const { status, title } = problems[problem.code];
  return { type: `/docs/problems#${problem.code}`, title, status, ...problem, requestId };
}

const tooBusyMessage = 'timeout exceeded when trying to connect'; // of pg's pool: every connection is taken
/** Of sockets, and of PostgreSQL: connection (08), resources (53), operator's intervention such as shutdown or statement timeout (57), lock timeout. */
const awayCodes = /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND|AI_AGAIN)|08...|53...|57...|55P03)$/;
const awayMessages = /^(Connection terminated|Client has encountered a connection error|Query read timeout|Cannot use a pool)/;

/** Errors of Fastify itself, by its code. */
const fastifyProblems: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload-too-large', detail: 'the body may have 256 KiB' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported-media-type', detail: 'send application/json' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'invalid-request', detail: 'body: is empty', errors: [{ field: 'body', message: 'is empty' }] },
};

/** What to tell the caller. Anything unforeseen is `internal`, and its own words stay here. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof Error)) return internal;
  const { code = '', statusCode } = error as { code?: string; statusCode?: number };
  if (isAway(error, code)) return unavailable;
  const known = fastifyProblems[code];
  if (known) return known;
  // What is left of 4xx comes from reading the request: bad JSON, a bad URL, a length that lies.
  if (statusCode === 413) return fastifyProblems['FST_ERR_CTP_BODY_TOO_LARGE']!;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return unreadable(error.message);
  return internal;
}

function isAway(error: Error, code: string): boolean {
  if (awayCodes.test(code) || awayMessages.test(error.message) || error.message === tooBusyMessage) return true;
  return error instanceof AggregateError && error.errors.some((one: Error) => isAway(one, (one as { code?: string }).code ?? ''));
}

const internal: Problem = { code: 'internal', detail: 'the error is in our log under the request id', next: 'try again' };
const unavailable: Problem = { code: 'unavailable', detail: 'the record does not answer', next: 'try again in a moment' };

function unreadable(message: string): Problem {
  const detail = `the request cannot be read: ${message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)}`;
  return { code: 'invalid-request', detail, errors: [{ field: 'body', message: 'cannot be read' }] };
}
