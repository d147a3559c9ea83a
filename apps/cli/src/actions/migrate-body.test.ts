import { expect, test } from 'vitest';
import { migrateBody } from './migrate-body.js';

test.each([
  [{}, {}],
  [{ postcopy: 'when-needed' }, { otherwise: 'postcopy' }],
  [{ postcopy: 'never' }, { otherwise: 'stop' }],
  [{ postcopy: 'never', stay: true }, { otherwise: 'stay' }],
  [
    { to: 'n2', bandwidth: '8', convergeWithin: '90s' },
    { node: 'n2', bandwidthMibPerSecond: 8, convergeSeconds: 90 },
  ],
] as const)('what a move may take is asked for as the API takes it: %j', (flags, body) => {
  expect(migrateBody(flags)).toEqual(body);
});

test('what cannot be meant is refused before the API is asked', () => {
  expect(() => migrateBody({ postcopy: 'always' })).toThrow('never or when-needed');
  expect(() => migrateBody({ postcopy: 'when-needed', stay: true })).toThrow('one of them');
  expect(() => migrateBody({ bandwidth: 'fast' })).toThrow('MiB/s');
});
