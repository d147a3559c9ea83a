import { ProblemError } from '@berth/domain/problem.js';
import { expect, test } from 'vitest';
import { problemOf } from './problem-document.js';

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });

test.each([
  ['no server listens', withCode('connect', 'ECONNREFUSED')],
  ['the server shuts down', withCode('terminating connection', '57P01')],
  ['the server starts up', withCode('the database system is starting up', '57P03')],
  ['it has no connection left', withCode('sorry, too many clients already', '53300')],
  ['a statement takes too long', withCode('canceling statement due to statement timeout', '57014')],
  ['the pool has none free', new Error('timeout exceeded when trying to connect')],
  ['the connection broke off', new Error('Connection terminated unexpectedly')],
  ['every address refuses', new AggregateError([withCode('connect', 'ECONNREFUSED')], '')],
])('when %s, the record is unavailable', (_, error) => {
  expect(problemOf(error).code).toBe('unavailable');
});

test('what nobody foresaw is internal, and its own words stay here', () => {
  for (const error of [new Error('secret detail'), withCode('secret detail', '22P02'), 'secret detail', undefined]) {
    expect(problemOf(error).code).toBe('internal');
    expect(JSON.stringify(problemOf(error))).not.toContain('secret');
  }
});

test('what was meant for the caller reaches the caller', () => {
  const problem = { code: 'not-found', detail: 'there is no instance x' } as const;
  expect(problemOf(new ProblemError(problem))).toEqual(problem);
});
