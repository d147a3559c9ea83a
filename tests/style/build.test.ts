import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './sources.js';

const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

test('the build writes the language that types are checked for: in an older one private fields cost four times', () => {
  const { compilerOptions } = read('tsconfig.json') as { compilerOptions: { target: string } };
  const { jsc } = read('.swcrc') as { jsc: { target: string } };
  expect(jsc.target).toBe(compilerOptions.target.toLowerCase());
});
