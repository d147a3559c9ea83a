import { ProblemError } from '@berth/domain/problem.js';

/** @throws ProblemError `not-found`, the same whether it never was, is gone, or is another project's */
export function found<T>(thing: T | undefined, kind: string, reference: string): T {
  if (thing !== undefined) return thing;
  throw new ProblemError({ code: 'not-found', detail: `there is no ${kind} ${reference}` });
}
