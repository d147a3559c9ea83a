import { expect, test } from 'vitest';
import { selectorOf } from './selector.js';

test('a selector is the equal, the unequal and the present labels it names', () => {
  expect(selectorOf('env=prod,tier!=db,critical,zone=')).toEqual({
    equal: { env: 'prod', zone: '' },
    unequal: [{ tier: 'db' }],
    present: ['critical'],
  });
});

test('no selector selects everything', () => {
  expect(selectorOf(undefined)).toEqual({ equal: {}, unequal: [], present: [] });
});
