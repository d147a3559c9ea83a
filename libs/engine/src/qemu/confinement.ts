import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A run of user ids of which each vmm gets one, so that a guest which breaks out of its QEMU meets no other one's. */
export interface UserIds {
  readonly first: number;
  readonly count: number;
}

/** How far this machine lets a vmm be shut in; tried, not guessed: a namespace or a container may lack any of it. */
export interface Confinement {
  /** Absent: a vmm cannot be tied to the life of its guard. */
  readonly setprivPath?: string;
  /** Absent: a vmm runs as the worker does. */
  readonly userIds?: UserIds;
}

const setprivPath = '/usr/bin/setpriv';
const tryTimeoutMs = 5000;
/** Above every range in use; or `nobody`, where a user namespace maps no more. */
const candidates: readonly UserIds[] = [
  { first: 1_900_000_000, count: 100_000_000 },
  { first: 65_534, count: 1 },
];

export async function findConfinement(): Promise<Confinement> {
  if (!(await runs(['--no-new-privs', '--pdeathsig', 'KILL']))) return {};
  for (const userIds of process.getuid?.() === 0 ? candidates : []) {
    const last = `${userIds.first + userIds.count - 1}`;
    if (await runs(['--reuid', last, '--regid', last, '--clear-groups'])) return { setprivPath, userIds };
  }
  return { setprivPath };
}

/** The same for the same vmm, and hardly ever another's. */
export function userIdOf(vmmId: string, { first, count }: UserIds): number {
  let hash = 0;
  for (const char of vmmId) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return first + (hash % count);
}

async function runs(flags: readonly string[]): Promise<boolean> {
  return promisify(execFile)(setprivPath, [...flags, '--', '/bin/true'], { timeout: tryTimeoutMs }).then(
    () => true,
    () => false,
  );
}
