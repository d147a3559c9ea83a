import type { FieldError, Problem } from '@berth/domain/problem.js';

/** Numbers that scripts rely on. */
export const exitCodes = { ok: 0, error: 1, notPlaced: 2, timeout: 124 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface FailureDetails {
  readonly exitCode?: ExitCode;
  /** One step the user can take. */
  readonly next?: string;
}

/** Ends the command with a message for people, never a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly details: FailureDetails = {},
  ) {
    super(message);
  }
}

/** A problem+json answer of the API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly problem: Problem & { readonly requestId?: string },
  ) {
    super(problem.detail);
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.details.exitCode ?? exitCodes.error;
  if (error instanceof ApiError && error.problem.code === 'no-node-fits') return exitCodes.notPlaced;
  return exitCodes.error;
}

/** Code, message, ids, request id and one next step, whatever of it there is. */
export function describeFailure(error: unknown): string {
  if (error instanceof ApiError) {
    const { code, detail, requestId, errors = [], next } = error.problem;
    const fields = errors.map(({ field, message }: FieldError) => `  ${field}: ${message}`);
    const request = requestId === undefined ? [] : [`  request ${requestId}`];
    return [`error: ${code}: ${detail}`, ...fields, ...request, ...nextLine(next)].join('\n');
  }
  if (error instanceof CliError) return [`error: ${error.message}`, ...nextLine(error.details.next)].join('\n');
  return `error: ${error instanceof Error ? error.message : String(error)}`;
}

function nextLine(next: string | undefined): string[] {
  return next === undefined ? [] : [`  next: ${next}`];
}
