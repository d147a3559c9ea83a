import { issue, newKey, type Identity, type Rank } from '@berth/certificates/issue.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { MoveCredentials } from '@berth/engine/migration.js';

const dayMs = 24 * 3600 * 1000;

/** Valid from `from` to `until`, in days from now. */
export function certified(rank: Rank, name: string, by?: Identity, from = -1, until = 1): Identity {
  const day = (days: number): Date => new Date(Date.now() + days * dayMs);
  return issue({ rank, name, from: day(from), until: day(until) }, newKey(), by);
}

const authority = certified('authority', 'datacenter');
/** Two of one datacenter. */
export const sourceNode = certified('node', 'source', authority);
export const targetNode = certified('node', 'target', authority);
/** A third one of the same. */
export const otherNode = certified('node', 'other', authority);

/** What both ends of a move between those two are given. */
export function credentialsOf(source: VmmHandle, target: VmmHandle): Record<'source' | 'target', MoveCredentials> {
  return {
    source: { ...certified('move', source.vmmId, sourceNode), authority: targetNode.certificate, peer: target.vmmId },
    target: { ...certified('move', target.vmmId, targetNode), authority: sourceNode.certificate, peer: source.vmmId },
  };
}
