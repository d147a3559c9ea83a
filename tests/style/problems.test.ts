import { problemCodes } from '@berth/domain/problem.js';
import { expect, test } from 'vitest';
import { isTest, sourceFiles } from './sources.js';

const files = sourceFiles().filter(({ path }) => path.endsWith('.ts') && !path.endsWith('domain/src/problem.ts'));
const quoted = (code: string, tests: boolean) =>
  files.some((file) => isTest(file) === tests && file.text.includes(`'${code}'`));

test('every problem that has a code is given by somebody, and some test sees it', () => {
  expect(problemCodes.filter((code) => !quoted(code, false))).toEqual([]);
  expect(problemCodes.filter((code) => !quoted(code, true))).toEqual([]);
});
