import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellLineOf } from './shell-line.js';

const word = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\0\p{Surrogate}]/u.test(text));

test('a shell reads every word as it was, whatever stands in it', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const line = shellLineOf(['printf', '%s\\0', ...words]);
      const printed = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
      expect(printed).toBe(words.length === 0 ? '\0' : words.map((text) => `${text}\0`).join(''));
    }),
    { numRuns: 60, examples: [[["it's", '$(id)', '`id`', '\n', '\\', '']]] },
  );
});

test('a line that the guest could not take is refused by name', () => {
  expect(() => shellLineOf(['echo', "'".repeat(1000)])).toThrow('command: has 4009 bytes');
});
