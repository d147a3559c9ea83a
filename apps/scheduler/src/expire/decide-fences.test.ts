import type { UnreachableVmm } from '@berth/database/node-loss.repository.js';
import { guardDeadlineMs } from '@berth/domain/node-state.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideFences, fenceAfterMs } from './decide-fences.js';

const vmmOf = (unseenMs: number, onIsolation: UnreachableVmm['onIsolation'] = 'stop'): UnreachableVmm => ({
  vmmId: 'v',
  instanceId: 'i',
  generation: 1,
  onIsolation,
  unseenMs,
});
const long = 10 * fenceAfterMs;

describe('a vmm out of reach', () => {
  it('is given up when its guard must have stopped it, and not a moment before', () => {
    const hearing = { heardAllMs: 0, lossMs: long };
    expect(decideFences([vmmOf(fenceAfterMs - 1)], hearing)).toEqual([]);
    expect(decideFences([vmmOf(fenceAfterMs)], hearing)).toMatchObject([
      { vmmId: 'v', method: 'guard-deadline', reason: 'isolated' },
    ]);
  });

  it('that is to be kept is never given up by time alone', () => {
    expect(decideFences([vmmOf(long, 'keep')], { heardAllMs: 0, lossMs: long })).toEqual([]);
  });

  it('is not given up while beats that Redis took may have been lost unread', () => {
    expect(decideFences([vmmOf(long)], { heardAllMs: 0, lossMs: fenceAfterMs - 1 })).toEqual([]);
  });

  it('is given up only after the last beat that Redis can have taken is older than the guard waits', () => {
    fc.assert(
      fc.property(fc.nat(40_000), fc.nat(20_000), fc.nat(40_000), (unseenMs, heardAllMs, lossMs) => {
        if (decideFences([vmmOf(unseenMs)], { heardAllMs, lossMs }).length === 0) return;
        // a beat later than the one on record would have been heard, unless it was taken after we asked, or lost
        const lastPossibleBeatAgeMs = Math.min(unseenMs - heardAllMs, lossMs);
        expect(lastPossibleBeatAgeMs).toBeGreaterThan(guardDeadlineMs);
      }),
    );
  });
});
