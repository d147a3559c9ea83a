import type { VmmExit } from '@berth/database/exit-facts.js';
import type { UnreachableVmm } from '@berth/database/node-loss.repository.js';
import { fenceMarginMs, guardDeadlineMs } from '@berth/domain/node-state.js';

/** After so long without a beat that Redis took, a guard has stopped its guest, and some. */
export const fenceAfterMs = guardDeadlineMs + fenceMarginMs;

/** What is known about our own hearing, in time since. */
export interface Hearing {
  /** Since everything that Redis had taken was on record: the last sign of life there is then the last there was. */
  readonly heardAllMs: number;
  /** The last moment at which beats may have been lost unread: Redis was emptied, or this process was not there. */
  readonly lossMs: number;
}

/**
 * Vmms that may be given up although their node says nothing: their guard, outside the worker, must have stopped them
 * by its deadline, counted from the last beat that Redis can have taken. Both ends of that wait are durations; no two
 * clocks are compared. Pure.
 */
export function decideFences(vmms: readonly UnreachableVmm[], { heardAllMs, lossMs }: Hearing): VmmExit[] {
  if (lossMs < fenceAfterMs) return [];
  return vmms
    .filter(({ onIsolation, unseenMs }) => onIsolation === 'stop' && unseenMs - heardAllMs >= fenceAfterMs)
    .map(({ vmmId, instanceId, generation, unseenMs }) => ({
      vmmId,
      instanceId,
      generation,
      reason: 'isolated',
      detail: `unheard for ${Math.round(unseenMs / 1000)} s; its guard stops it after ${guardDeadlineMs / 1000} s`,
      method: 'guard-deadline',
    }));
}
