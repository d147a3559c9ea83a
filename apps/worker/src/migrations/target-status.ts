import type { VmmEnd } from '../vmms/vmm.js';

/** How the source's worker is told where its guest stands at the target: see contracts/agent. */
export const statusOf = { runs: 200, ran: 409, neverRan: 410, unknown: 404, notYet: 503 } as const;

export function endedStatusOf(end: VmmEnd | null): number {
  return end?.reason === 'migration-failed' ? statusOf.neverRan : statusOf.ran;
}
