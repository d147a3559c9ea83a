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
  return { type: `urn:berth:problem:${problem.code}`, title, status, ...problem, requestId };
}

const tooBusyMessage = 'timeout exceeded when trying to connect'; // of pg's pool: every connection is taken
/**
 * Of sockets, and of PostgreSQL: connection (08), resources (53), operator's intervention such as shutdown or
 * statement timeout (57), lock timeout.
 */
const awayCodes = /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND|AI_AGAIN)|08...|53...|57...|55P03)$/;
const awayMessages =
  /^(Connection terminated|Client has encountered a connection error|Query read timeout|Cannot use a pool)/;

/** What the framework refuses while it reads a request, by the status it gives. */
const refusals: Readonly<Record<number, Problem>> = {
  413: { code: 'payload-too-large', detail: 'the body may have 256 KiB' },
  415: { code: 'unsupported-media-type', detail: 'send the body as application/json' },
};

/** What to tell the caller. Anything unforeseen is `internal`, and its own words stay here. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof Error)) return internal;
  const { code = '', statusCode } = error as { code?: string; statusCode?: number };
  if (isAway(error, code)) return unavailable;
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return internal;
  // What is left comes from reading the request: bad JSON, a bad URL, a length that lies.
  return refusals[statusCode] ?? unreadable(error.message);
}

function isAway(error: Error, code: string): boolean {
  if (awayCodes.test(code) || awayMessages.test(error.message) || error.message === tooBusyMessage) return true;
  return (
    error instanceof AggregateError &&
    error.errors.some((one: Error) => isAway(one, (one as { code?: string }).code ?? ''))
  );
}

const internal: Problem = {
  code: 'internal',
  detail: 'the error is in our log under the request id',
  next: 'try again',
};
const unavailable: Problem = {
  code: 'unavailable',
  detail: 'the record does not answer',
  next: 'try again in a moment',
};

function unreadable(message: string): Problem {
  const detail = `the request cannot be read: ${message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)}`;
  return { code: 'invalid-request', detail, errors: [{ field: 'body', message: 'cannot be read' }] };
}
