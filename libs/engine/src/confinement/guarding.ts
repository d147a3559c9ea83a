import { consoleMaxBytes } from '@berth/domain/limits.js';
import type { MigrationAddress } from '../migration.js';
import { leaseSeconds } from '../vmm/lease.js';
import type { VmmSpec } from '../vmm-spec.js';
import { cgroupPaths } from './cgroup.js';
import type { Confinement } from './confinement.js';
import { userIdOf } from './user-ids.js';

/** How one vmm is shut in. */
export interface Shut {
  /** The unprivileged user and group of the vmm; absent when the worker may not change them. */
  readonly userId?: number;
  /** The one group it is in beside that; absent: none. */
  readonly groupId?: number;
  /** Where setpriv stands; absent on a machine without it: then a vmm is not tied to the life of its guard. */
  readonly setprivPath?: string;
  /** The machine's kernel can keep it from abstract unix sockets and from other processes. */
  readonly isScoped?: boolean;
  /** Directories of the control groups that the vmm is put into as it starts. */
  readonly cgroups: readonly string[];
}

export interface Guarding extends Shut {
  readonly guardPath: string;
  readonly leasePath: string;
}

export function shutOf({ cgroups, setprivPath, userIds, isScoped = false }: Confinement, vmmId: string): Shut {
  return {
    isScoped,
    cgroups: cgroups ? cgroupPaths(cgroups, vmmId) : [],
    ...(setprivPath === undefined ? {} : { setprivPath }),
    ...(userIds === undefined ? {} : { userId: userIdOf(vmmId, userIds) }),
  };
}

/** Lets a vmm connect to where its guest goes. */
export async function allowMove({ egress, userIds }: Confinement, vmmId: string, to: MigrationAddress): Promise<void> {
  if (egress && userIds) await egress.allow(userIdOf(vmmId, userIds), to);
}

/** What perl is told: the guard, its flags, and the program that it runs, shut in. */
export function guardLine(
  spec: VmmSpec,
  guarding: Guarding,
  flags: readonly string[],
  program: readonly string[],
): string[] {
  const lease =
    spec.onIsolation === 'stop' ? ['--lease', guarding.leasePath, '--lease-seconds', `${leaseSeconds}`] : [];
  return [
    [guarding.guardPath],
    ['--name', spec.instanceName, '--console-bytes', `${consoleMaxBytes}`, ...lease],
    flags,
    guarding.cgroups.flatMap((group) => ['--cgroup', group]),
    guarding.isScoped ? ['--scoped', 'yes'] : [],
    ['--', ...privileges(guarding), ...program],
  ].flat();
}

/** `--pdeathsig`: a vmm without its guard would outlive its node's lease unseen. */
function privileges({ setprivPath, userId, groupId }: Shut): string[] {
  if (setprivPath === undefined) return [];
  const groups = groupId === undefined ? ['--clear-groups'] : ['--groups', `${groupId}`];
  const user = userId === undefined ? [] : ['--reuid', `${userId}`, '--regid', `${userId}`, ...groups];
  return [setprivPath, ...user, '--no-new-privs', '--pdeathsig', 'KILL', '--'];
}
