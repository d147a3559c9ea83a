import { bootDeadlineMs, copyDeadlineMs, operationDeadlineMs } from '@berth/domain/limits.js';
import { expect, test } from 'vitest';
import { timeoutDefaultMs } from './wait.js';

test('by default an operation is seen to its end, whatever its deadline', () => {
  for (const deadlineMs of [operationDeadlineMs, bootDeadlineMs, copyDeadlineMs]) {
    expect(timeoutDefaultMs).toBeGreaterThan(deadlineMs);
  }
});
