import type { Observation } from '@berth/contracts/observation.js';
import { guardDeadlineMs } from '@berth/domain/node-state.js';
import { makeLogger } from '@berth/observability/logger.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lease } from './lease.js';

const beat: Observation = { kind: 'nodes-beat', workerId: 'w', leaseId: 'l', nodes: [] };
let lease: Lease;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  lease = new Lease([], makeLogger('test', 'silent'));
});
afterEach(() => vi.useRealTimers());

describe('a lease', () => {
  it('holds as long as beats come through', () => {
    const { id } = lease;
    for (let beats = 0; beats < 20; beats++) {
      vi.advanceTimersByTime(guardDeadlineMs - 1);
      lease.accepted([beat]);
    }
    expect([lease.id, lease.holds(id)]).toEqual([id, true]);
  });

  it('that ran out holds nothing any more, also after it was renewed', () => {
    const { id } = lease;
    vi.advanceTimersByTime(guardDeadlineMs);
    expect(lease.holds(id)).toBe(false);
    lease.accepted([beat]);
    expect(lease.holds(id)).toBe(false);
    expect(lease.holds(lease.id)).toBe(true);
  });

  it('is not renewed by anything but a beat', () => {
    const { id } = lease;
    vi.advanceTimersByTime(guardDeadlineMs);
    lease.accepted([{ kind: 'nodes-left', workerId: 'w', nodeIds: [] }]);
    expect(lease.holds(id)).toBe(false);
  });
});
