import { expect, test } from 'vitest';
import { loadOptions } from './options.js';
import { readyP99MaxMs, report } from './report.js';
import { runLoad } from './run.js';

test('100 instances at 50 a second: every one ready in time, no error, nothing left behind', async () => {
  const result = await runLoad(loadOptions(['--short']));
  process.stdout.write(report(result));
  expect(result.creates.errors).toEqual({});
  expect(result.creates.ready.count).toBe(100);
  expect(result.creates.ready.p99Ms).toBeLessThanOrEqual(readyP99MaxMs);
  expect(result.deletes).toMatchObject({
    errors: {},
    leaks: { liveVmms: 0, reservations: 0, quotaUsed: 0, nodesAllocated: 0, openOperations: 0 },
  });
});
