import { execFile } from 'node:child_process';
import { chmod, chown, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { perlPath } from './perl.js';
import { setprivPath, type UserIds } from './user-ids.js';

/** By what a vmm may serve its own page faults: the group it is in beside its own; absent: none is needed. */
export interface FaultAccess {
  readonly group?: number;
}

/** Of the kernel: gives out descriptors by which a process serves its own page faults. */
const devicePath = '/dev/userfaultfd';
const sysctlPath = '/proc/sys/vm/unprivileged_userfaultfd';
const tryTimeoutMs = 5000;
/** 0xAA00 is `USERFAULTFD_IOC_NEW` of linux/userfaultfd.h. */
const askForOne = `
  exit 0 if open(my $all, '<', '${sysctlPath}') && <$all> == 1;
  open(my $device, '+<', '${devicePath}') or exit 1;
  exit(defined ioctl($device, 0xAA00, 0) ? 0 : 1)`;

/**
 * Tried as such a vmm; undefined where it may not. The device is root's alone otherwise, so it is lent to a group that
 * no user is in and no other file belongs to.
 */
export async function findFaultAccess(userIds: UserIds | undefined): Promise<FaultAccess | undefined> {
  if (await mayServe(userIds)) return {};
  if (!userIds || userIds.count === 1) return undefined; // nobody: others of the machine run as that
  const group = userIds.first + userIds.count;
  const isLent = await lendTo(group).then(
    () => true,
    () => false,
  );
  return isLent && (await mayServe(userIds, group)) ? { group } : undefined;
}

async function mayServe(userIds: UserIds | undefined, group?: number): Promise<boolean> {
  const ask = [perlPath, '-e', askForOne];
  const groups = group === undefined ? ['--clear-groups'] : ['--groups', `${group}`];
  const user = userIds && ['--reuid', `${userIds.first}`, '--regid', `${userIds.first}`, ...groups, '--no-new-privs'];
  const [program = perlPath, ...args] = user ? [setprivPath, ...user, '--', ...ask] : ask;
  return promisify(execFile)(program, args, { timeout: tryTimeoutMs }).then(
    () => true,
    () => false,
  );
}

/** A device that its machine has given to another group already stays as it is. */
async function lendTo(group: number): Promise<void> {
  const { gid } = await stat(devicePath);
  if (gid !== 0) return;
  await chown(devicePath, 0, group);
  await chmod(devicePath, 0o660);
}
