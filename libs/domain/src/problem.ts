/** Every error the API can give: code -> HTTP status and title (RFC 9457). The code is the stable part. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'method-not-allowed': { status: 405, title: 'This resource does not answer to that method' },
  'name-taken': { status: 409, title: 'The name is taken' },
  'state-conflict': { status: 409, title: 'The resource is not in a state that allows this' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'idempotency-mismatch': { status: 422, title: 'The idempotency key was used for another request' },
  'quota-exceeded': { status: 403, title: 'The project quota does not allow this' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'The record cannot be reached' },
  'node-unreachable': { status: 504, title: 'The node did not answer in time' },
  'guest-silent': { status: 504, title: 'The guest did not answer in time' },
  'no-node-fits': { status: 409, title: 'No node can take the instance' },
  'start-failed': { status: 500, title: 'The guest did not become ready' },
  'image-unavailable': { status: 409, title: 'The image cannot be used on the node' },
  'deadline-exceeded': { status: 504, title: 'The operation did not end before its deadline' },
  'guest-ended': { status: 409, title: 'The guest ended before it could be done' },
  'suspend-failed': { status: 500, title: 'The instance was not suspended, and is as it was' },
  'resize-failed': { status: 500, title: 'The instance runs on, and has not seen its disk grow' },
  'migration-failed': { status: 500, title: 'The instance runs on where it was' },
  'snapshot-failed': { status: 500, title: 'The instance runs on, and no snapshot was kept' },
  'clone-failed': { status: 500, title: 'There is no clone, and its source runs on' },
  'invalid-job': { status: 500, title: 'The job does not match its contract' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;
export const problemCodes = Object.keys(problems) as ProblemCode[];

/** One invalid field: a JSON pointer-like path (`labels.env`), what was expected, and the limit in words. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The stored and served form of an error. `next` is one step the user can take. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly next?: string;
  readonly errors?: readonly FieldError[];
  /** Machine-readable explanation, such as the per-filter counts of `no-node-fits`. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Thrown anywhere above the core; the API's one filter renders it, a worker reports it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(`${problem.code}: ${problem.detail}`, options);
  }
}
