/** By which a process becomes another user's. */
export const setprivPath = '/usr/bin/setpriv';

/** A run of user ids of which each vmm gets one, so that a guest which breaks out of its QEMU meets no other one's. */
export interface UserIds {
  readonly first: number;
  readonly count: number;
}

/** The same for the same vmm, and hardly ever another's. */
export function userIdOf(vmmId: string, { first, count }: UserIds): number {
  let hash = 0;
  for (const char of vmmId) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return first + (hash % count);
}
