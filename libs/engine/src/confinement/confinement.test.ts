import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findConfinement, missingOf } from './confinement.js';
import { Egress } from './egress.js';
import { userIdOf } from './user-ids.js';

test('every vmm has a user within the range, the same each time', () => {
  const range = { first: 1000, count: 50 };
  fc.assert(
    fc.property(fc.string(), (vmmId) => {
      const userId = userIdOf(vmmId, range);
      expect(userId).toBeGreaterThanOrEqual(1000);
      expect(userId).toBeLessThan(1050);
      expect(userIdOf(vmmId, range)).toBe(userId);
    }),
  );
});

test('only one who may change users is told of users', async () => {
  const { setprivPath, userIds } = await findConfinement('/nowhere');
  if (process.getuid?.() !== 0) expect(userIds).toBeUndefined();
  if (userIds) expect(setprivPath).toBe('/usr/bin/setpriv');
  expect(userIds?.count ?? 1).toBeGreaterThan(0);
});

test('a user whom others of the machine share is shut in by no packet filter', async () => {
  expect(await Egress.open({ first: 65_534, count: 1 })).toBeUndefined();
});

test('what a machine lacks is said, one line for each', () => {
  expect(missingOf({})).toHaveLength(5);
  const cgroups = { version: 2, paths: ['/groups'] } as const;
  const users = { setprivPath: '/usr/bin/setpriv', userIds: { first: 1, count: 1 } };
  const others = { isScoped: true, cgroups };
  expect(missingOf({ ...users, ...others })).toEqual([expect.stringContaining('nftables')]);
});
