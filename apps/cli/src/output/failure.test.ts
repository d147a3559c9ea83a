import { expect, test } from 'vitest';
import { ApiError, CliError, describeFailure, exitCodeOf } from './failure.js';

test('a problem shows its code, every field, the request and one next step', () => {
  const error = new ApiError(400, {
    code: 'invalid-request',
    detail: 'the body is not valid',
    errors: [{ field: 'name', message: 'must be short' }],
    requestId: 'r-1',
    next: 'see /docs',
  });
  expect(describeFailure(error)).toBe(
    'error: invalid-request: the body is not valid\n  name: must be short\n  request r-1\n  next: see /docs',
  );
});

test('no failure shows a stack', () => {
  const failures = [new Error('boom'), new CliError('no', { next: 'yes' }), 'text', undefined];
  for (const failure of failures) expect(describeFailure(failure)).not.toMatch(/\n\s+at /);
});

test('only what was not placed is 2, only what took too long is 124', () => {
  expect(exitCodeOf(new ApiError(409, { code: 'no-node-fits', detail: '' }))).toBe(2);
  expect(exitCodeOf(new ApiError(409, { code: 'name-taken', detail: '' }))).toBe(1);
  expect(exitCodeOf(new CliError('late', { exitCode: 124 }))).toBe(124);
  expect(exitCodeOf(new Error('boom'))).toBe(1);
});
